"""Cutting a step into micro-batches loses no branch and respects the budget."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.tokens import Branch, pack

many_branches = st.lists(
    st.lists(st.integers(0, 3), min_size=1, max_size=20).map(lambda ids: Branch(tuple(ids), tuple([1.0] * len(ids)))),
    min_size=1,
    max_size=20,
)


@given(many_branches, st.integers(1, 60), st.booleans())
@settings(max_examples=100, deadline=None)
def test_every_branch_lands_in_exactly_one_tree(branches, budget_tokens, is_folded):
    trees = pack(branches, budget_tokens, is_folded)
    assert Counter(b for tree in trees for b in tree.branches) == Counter(branches)


@given(many_branches, st.integers(20, 60))
@settings(max_examples=100, deadline=None)
def test_unfolded_trees_keep_to_the_budget(branches, budget_tokens):
    assert all(tree.computed_tokens <= budget_tokens for tree in pack(branches, budget_tokens, is_folded=False))


def test_a_branch_longer_than_the_budget_gets_a_tree_of_its_own():
    long = Branch(tuple(range(30)), tuple([1.0] * 30))
    short = Branch((5, 6), (0.0, 1.0))
    assert sorted(tree.computed_tokens for tree in pack([long, short], budget_tokens=10)) == [2, 30]


def test_the_order_of_rows_does_not_change_the_trees():
    branches = [Branch((1, 2, i), (0.0, 0.0, 1.0)) for i in range(6)]
    forward, backward = pack(branches, 9), pack(branches[::-1], 9)
    assert [tree.ids.tolist() for tree in forward] == [tree.ids.tolist() for tree in backward]
