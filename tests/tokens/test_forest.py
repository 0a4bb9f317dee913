"""Trees laid end to end are still the same trees."""

import numpy as np

from luthier.tokens import fold, lay_end_to_end, tree_starts
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
