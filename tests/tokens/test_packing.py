"""Cutting a step into micro-batches loses no branch, respects the budget and leaves them about as large."""

import random
from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forking import forking_branches
from luthier.tokens import Branch, pack, pack_jointly, plan_packing
from luthier.tokens.packing import MICRO_BATCH_TOKENS, cut

budgets = st.integers(1, 120)


@given(forking_branches(), budgets, st.booleans())
@settings(max_examples=100, deadline=None)
def test_every_branch_lands_in_exactly_one_tree(branches, budget_tokens, is_folded):
    trees = pack(branches, budget_tokens, is_folded)
    assert Counter(b for tree in trees for b in tree.branches) == Counter(branches)
    for tree in trees:
        for path, branch in zip(tree.paths, tree.branches, strict=True):
            assert tuple(tree.ids[path]) == branch.ids


@given(forking_branches(), budgets, st.booleans())
@settings(max_examples=100, deadline=None)
def test_only_a_branch_that_is_too_long_exceeds_the_budget_and_alone(branches, budget_tokens, is_folded):
    for tree in pack(branches, budget_tokens, is_folded):
        longest = max(len(branch.ids) for branch in tree.branches)
        assert tree.computed_tokens <= budget_tokens or tree.computed_tokens == longest


@given(forking_branches(), budgets, st.booleans())
@settings(max_examples=100, deadline=None)
def test_counting_without_trees_gives_what_the_trees_hold(branches, budget_tokens, is_folded):
    packing = plan_packing(branches, budget_tokens, is_folded)
    trees = packing.trees()
    assert packing.computed_tokens == tuple(tree.computed_tokens for tree in trees)
    assert packing.given_tokens == sum(tree.given_tokens for tree in trees)
    whole = packing.leaves.lengths.sum() - packing.sharing.shared.sum()
    assert sum(packing.computed_tokens) == whole + packing.repeated_tokens


@given(forking_branches(), st.integers(40, 120))
@settings(max_examples=100, deadline=None)
def test_neighbouring_micro_batches_differ_by_one_row_at_most(branches, budget_tokens):
    sizes = [tree.computed_tokens for tree in pack(branches, budget_tokens, is_folded=False)]
    longest = max(len(branch.ids) for branch in branches)
    assert all(abs(left - right) <= longest for left, right in pairwise(sizes))


@given(forking_branches(most_branches=9), st.integers(40, 80), st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_other_cut_is_cheaper(branches, budget_tokens, is_folded):
    packing = plan_packing(branches, budget_tokens, is_folded)
    lengths, shared = packing.leaves.lengths, packing.sharing.shared

    def cost(cuts):
        sizes = [lengths[a] + sum(lengths[a + 1 : b] - shared[a + 1 : b]) for a, b in pairwise(cuts)]
        if any(size > budget_tokens and b - a > 1 for size, (a, b) in zip(sizes, pairwise(cuts), strict=True)):
            return float("inf")
        return sum(s + (1 + (s / budget_tokens) ** 2 / 2) * MICRO_BATCH_TOKENS for s in sizes)

    inner = range(1, len(lengths))
    ways = [(0, *chosen, len(lengths)) for size in range(len(lengths)) for chosen in combinations(inner, size)]
    assert cost(packing.cuts) == pytest.approx(min(map(cost, ways)))


@given(forking_branches(), st.integers(40, 120))
@settings(max_examples=100, deadline=None)
def test_without_sharing_there_are_as_few_micro_batches_as_the_budget_allows(branches, budget_tokens):
    needed, room = 0, 0
    for branch in sorted(branches, key=lambda branch: branch.ids):
        if len(branch.ids) > room:
            needed, room = needed + 1, budget_tokens
        room -= len(branch.ids)
    assert len(pack(branches, budget_tokens, is_folded=False)) == needed


def test_equal_rows_are_spread_evenly_instead_of_leaving_a_rest():
    cuts = cut(np.full(64, 300), np.zeros(64, dtype=int), 4096)
    assert sorted(300 * (end - start) for start, end in pairwise(cuts)) == [3600, 3900, 3900, 3900, 3900]


def test_a_cut_goes_where_little_is_shared():
    rows = [Branch((group, *[9] * 50, i), (0.0,) * 52) for group, size in ((1, 9), (2, 3)) for i in range(size)]
    assert [len(tree.branches) for tree in pack(rows, budget_tokens=70)] == [9, 3]


def test_a_further_micro_batch_is_used_where_it_spares_a_long_beginning():
    rows = [Branch((group, *[9] * 3000, *[i] * 200), (0.0,) * 3201) for group in range(3) for i in range(10)]
    assert [len(tree.branches) for tree in pack(rows, budget_tokens=7600)] == [10, 10, 10]


def test_a_branch_longer_than_the_budget_gets_a_tree_of_its_own():
    long = Branch(tuple(range(30)), tuple([1.0] * 30))
    short = Branch((5, 6), (0.0, 1.0))
    assert sorted(tree.computed_tokens for tree in pack([long, short], budget_tokens=10)) == [2, 30]


def test_the_order_of_rows_does_not_change_the_trees():
    rng = random.Random(0)
    branches = [Branch((1, 2, *[rng.randrange(4) for _ in range(9)], i), (0.0,) * 12) for i in range(30)]
    expected = [tree.ids.tolist() for tree in pack(branches, 60)]
    rng.shuffle(branches)
    assert [tree.ids.tolist() for tree in pack(branches, 60)] == expected


def test_nothing_packs_to_nothing():
    assert pack([], 100) == []


several_steps = st.lists(forking_branches(most_branches=6), min_size=1, max_size=4)


@given(several_steps, budgets, st.booleans())
@settings(max_examples=60, deadline=None)
def test_steps_cut_together_keep_every_branch_and_the_budget(steps, budget_tokens, is_folded):
    packings = [plan_packing(branches, budget_tokens, is_folded) for branches in steps]
    micro_batches = pack_jointly(packings, budget_tokens)
    for index, branches in enumerate(steps):
        found = [b for trees in micro_batches for owner, tree in trees if owner == index for b in tree.branches]
        assert Counter(found) == Counter(branches)
    for trees in micro_batches:
        owners = [owner for owner, _ in trees]
        assert owners == sorted(set(owners))
        lengths = [len(branch.ids) for _, tree in trees for branch in tree.branches]
        total = sum(tree.computed_tokens for _, tree in trees)
        assert total <= budget_tokens or total == max(lengths)


def test_steps_cut_together_fill_micro_batches_evenly():
    """Alone, each of these steps would make one that is three quarters full, or two."""
    steps = [[Branch(tuple(range(100 * step, 100 * step + 30)), (1.0,) * 30)] * 1 for step in range(6)]
    packings = [plan_packing(branches, 40, is_folded=False) for branches in steps]
    sizes = [sum(tree.computed_tokens for _, tree in trees) for trees in pack_jointly(packings, 60)]
    assert sizes == [60, 60, 60]


@given(forking_branches(), budgets, st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_step_cut_together_with_none_is_cut_as_alone(branches, budget_tokens, is_folded):
    packing = plan_packing(branches, budget_tokens, is_folded)
    together = [tree.branches for ((_, tree),) in pack_jointly([packing], budget_tokens)]
    assert together == [tree.branches for tree in packing.trees()]
