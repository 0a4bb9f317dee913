"""Several trees laid end to end as one: nothing is shared between them, so each computes what it would alone."""

from collections.abc import Sequence

import numpy as np

from luthier.tokens.tree import TokenTree


def lay_end_to_end(trees: Sequence[TokenTree]) -> TokenTree:
    """One tree whose roots are the roots of all; tokens, paths and branches keep their order, tree after tree."""
    starts = tree_starts(trees)[:-1]
    pairs = list(zip(trees, starts, strict=True))
    return TokenTree(
        ids=np.concatenate([tree.ids for tree in trees]),
        parent=np.concatenate([np.where(tree.parent < 0, -1, tree.parent + start) for tree, start in pairs]),
        depth=np.concatenate([tree.depth for tree in trees]),
        exit=np.concatenate([tree.exit + start for tree, start in pairs]),
        paths=tuple(path + start for tree, start in pairs for path in tree.paths),
        branches=tuple(branch for tree in trees for branch in tree.branches),
    )


def tree_starts(trees: Sequence[TokenTree]) -> list[int]:
    """Where each tree's tokens begin in the whole, and the end of the last."""
    return [int(start) for start in np.cumsum([0, *(tree.computed_tokens for tree in trees)])]
