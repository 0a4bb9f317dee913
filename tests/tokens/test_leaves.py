"""Sorting finds what neighbours have in common, and lets rows that another one continues ride along."""

from hypothesis import given, settings

from forking import forking_branches
from luthier.tokens import Branch
from luthier.tokens.leaves import sort_into_leaves


def branch(*ids: int) -> Branch:
    return Branch(ids, (0.0,) * len(ids))


def common(left, right):
    return next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))


@given(forking_branches())
@settings(max_examples=100, deadline=None)
def test_leaves_are_the_distinct_branches_that_no_other_continues(branches):
    leaves = sort_into_leaves(branches)
    spelled = [tuple(ids) for ids in leaves.ids]
    distinct = {one.ids for one in branches}
    expected = [ids for ids in distinct if not any(o != ids and o[: len(ids)] == ids for o in distinct)]
    assert spelled == sorted(expected)
    assert leaves.common.tolist() == [0, *map(common, spelled, spelled[1:])]


@given(forking_branches())
@settings(max_examples=100, deadline=None)
def test_every_branch_ends_on_exactly_one_leaf(branches):
    leaves = sort_into_leaves(branches)
    for ids, members in zip(leaves.ids, leaves.members, strict=True):
        assert all(tuple(ids[: len(branches[index].ids)]) == branches[index].ids for index in members)
    assert sorted(index for members in leaves.members for index in members) == list(range(len(branches)))


def test_large_ids_sort_like_numbers():
    leaves = sort_into_leaves([branch(256), branch(1), branch(70_000), branch(255)])
    assert [ids.tolist() for ids in leaves.ids] == [[1], [255], [256], [70_000]]


def test_unfolded_every_branch_stands_alone():
    leaves = sort_into_leaves([branch(1, 2), branch(1, 2), branch(1)], is_folded=False)
    assert (len(leaves), leaves.common.tolist()) == (3, [0, 0, 0])
