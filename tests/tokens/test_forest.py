"""Trees laid end to end are still the same trees."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from luthier.tokens import fold, lay_end_to_end, share_out, tree_starts
from tiny import random_branches


def test_every_tree_is_found_again_in_its_place():
    trees = [fold(random_branches(count, seed=count)) for count in (3, 5, 1)]
    whole = lay_end_to_end(trees)
    starts = tree_starts(trees)
    assert starts[-1] == whole.computed_tokens
    for tree, start, end in zip(trees, starts, starts[1:], strict=False):
        here = slice(start, end)
        assert (whole.ids[here] == tree.ids).all() and (whole.depth[here] == tree.depth).all()
        assert (whole.exit[here] - start == tree.exit).all()
        assert (np.where(whole.parent[here] < 0, -1, whole.parent[here] - start) == tree.parent).all()


def test_every_path_still_spells_its_branch():
    whole = lay_end_to_end([fold(random_branches(4, seed=seed)) for seed in range(3)])
    assert len(whole.paths) == len(whole.branches) == 12
    for path, branch in zip(whole.paths, whole.branches, strict=True):
        assert tuple(whole.ids[path]) == branch.ids


@given(st.lists(st.integers(1, 120), max_size=30), st.integers(50, 150))
def test_portions_keep_the_budget_and_hold_everything_once(sizes, budget):
    portions = share_out(sizes, budget)
    assert sorted(index for portion in portions for index in portion) == list(range(len(sizes)))
    assert all(len(portion) == 1 or sum(sizes[i] for i in portion) <= budget for portion in portions)
    assert all(portion == sorted(portion) for portion in portions)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30))
def test_no_two_portions_would_fit_into_one(sizes):
    filled = sorted(sum(sizes[i] for i in portion) for portion in share_out(sizes, 100))
    assert len(filled) < 2 or filled[0] + filled[1] > 100
