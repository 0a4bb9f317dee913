"""The tree holds every branch, shares what is common, and its one integer per token says who sees whom."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.tokens import Branch, fold

token_lists = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=14), min_size=1, max_size=12)


def branches_of(lists: list[list[int]]) -> list[Branch]:
    return [Branch(tuple(ids), (0.0, *[1.0] * (len(ids) - 1))) for ids in lists]


@given(token_lists, st.sampled_from([None, 1, 2, 4]))
@settings(max_examples=150, deadline=None)
def test_every_path_spells_its_branch_in_order(lists, least_shared_tokens):
    tree = fold(branches_of(lists), least_shared_tokens)
    for path, ids in zip(tree.paths, lists, strict=True):
        assert tree.ids[path].tolist() == ids
        assert tree.depth[path].tolist() == list(range(len(ids)))
        assert tree.parent[path].tolist() == [-1, *path[:-1].tolist()]


@given(token_lists, st.sampled_from([None, 1, 2, 4]))
@settings(max_examples=150, deadline=None)
def test_a_query_sees_exactly_its_own_path(lists, least_shared_tokens):
    tree = fold(branches_of(lists), least_shared_tokens)
    for path in tree.paths:
        for place, query in enumerate(path):
            visible = [k for k in range(tree.computed_tokens) if k <= query < tree.exit[k]]
            assert visible == path[: place + 1].tolist()


def test_a_shared_beginning_is_written_once():
    tree = fold(branches_of([[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 3, 4]]), least_shared_tokens=2)
    assert tree.given_tokens == 12
    assert tree.computed_tokens == 5


def test_a_beginning_too_short_to_pay_is_not_shared():
    tree = fold(branches_of([[1, 2, 3, 4], [1, 5, 6, 7]]), least_shared_tokens=2)
    assert tree.computed_tokens == 8


def test_without_folding_nothing_is_shared():
    tree = fold(branches_of([[1, 2, 3], [1, 2, 3]]), least_shared_tokens=None)
    assert tree.computed_tokens == 6
    assert np.count_nonzero(tree.parent == -1) == 2


def test_later_turns_continue_the_chain_without_a_fork():
    tree = fold(branches_of([[1, 2, 3], [1, 2, 3, 4, 5]]), least_shared_tokens=8)
    assert tree.parent.tolist() == [-1, 0, 1, 2, 3]
