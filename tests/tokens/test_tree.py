"""The tree holds every branch, shares what is common, and its one integer per token says who sees whom."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forking import forking_branches
from luthier.tokens import Branch, fold

fork_costs = st.sampled_from([None, 0, 1, 2.5, 8])


def branches_of(lists: list[list[int]]) -> list[Branch]:
    return [Branch(tuple(ids), (0.0, *[1.0] * (len(ids) - 1))) for ids in lists]


@given(forking_branches(), fork_costs)
@settings(max_examples=100, deadline=None)
def test_every_path_spells_its_branch_in_order(branches, least_shared_tokens):
    tree = fold(branches, least_shared_tokens)
    assert tree.branches == tuple(branches)
    for path, branch in zip(tree.paths, branches, strict=True):
        assert tuple(tree.ids[path]) == branch.ids
        assert tree.depth[path].tolist() == list(range(len(branch.ids)))
        assert tree.parent[path].tolist() == [-1, *path[:-1].tolist()]


@given(forking_branches(), fork_costs)
@settings(max_examples=100, deadline=None)
def test_parents_precede_their_children_and_exits_close_after_them(branches, least_shared_tokens):
    tree = fold(branches, least_shared_tokens)
    for node in range(tree.computed_tokens):
        assert tree.parent[node] < node < tree.exit[node] <= tree.computed_tokens
        assert tree.parent[node] < 0 or tree.exit[node] <= tree.exit[tree.parent[node]]


@given(forking_branches(), fork_costs)
@settings(max_examples=50, deadline=None)
def test_a_query_sees_exactly_its_own_path(branches, least_shared_tokens):
    tree = fold(branches, least_shared_tokens)
    nodes = np.arange(tree.computed_tokens)
    for path in tree.paths:
        for place, query in enumerate(path):
            assert nodes[(nodes <= query) & (query < tree.exit)].tolist() == path[: place + 1].tolist()


@given(forking_branches())
@settings(max_examples=50, deadline=None)
def test_where_forks_are_free_every_distinct_beginning_is_computed_once(branches):
    beginnings = {branch.ids[:size] for branch in branches for size in range(1, len(branch.ids) + 1)}
    assert fold(branches, 0).computed_tokens == len(beginnings)


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


def test_many_rows_may_share_what_two_would_not():
    lists = [[1, 2, 10 + i] for i in range(6)]
    assert fold(branches_of(lists[:2]), least_shared_tokens=8).computed_tokens == 6
    assert fold(branches_of(lists), least_shared_tokens=8).computed_tokens == 8


def test_shared_beginnings_nest():
    tree = fold(branches_of([[1] * 9 + [2] * 9 + [3], [1] * 9 + [2] * 9 + [4], [1] * 9 + [5]]))
    assert tree.ids.tolist() == [1] * 9 + [2] * 9 + [3, 4, 5]


def test_nothing_folds_to_nothing():
    assert fold([]).computed_tokens == 0
