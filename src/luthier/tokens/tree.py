"""The token tree: branches that begin alike are written once, depth first.

Three arrays tell the whole story of token ``i``: its ``parent`` (an earlier index, -1 at a root), its ``depth`` (the
position id) and its ``exit``, one past the last token of its subtree. Query ``q`` may see key ``k`` exactly when
``k <= q < exit[k]``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from luthier.tokens.branch import Branch
from luthier.tokens.leaves import Leaves, sort_into_leaves
from luthier.tokens.sharing import FORK_TOKENS, decide_sharing


@dataclass(frozen=True)
class TokenTree:
    """One or more rooted tries over ``branches``; arrays are ``[T]``, paths are node indices per branch."""

    ids: np.ndarray
    parent: np.ndarray
    depth: np.ndarray
    exit: np.ndarray
    paths: tuple[np.ndarray, ...]
    branches: tuple[Branch, ...]

    @property
    def computed_tokens(self) -> int:
        return len(self.ids)

    @property
    def given_tokens(self) -> int:
        return sum(len(branch.ids) for branch in self.branches)


def fold(branches: Sequence[Branch], least_shared_tokens: float | None = FORK_TOKENS) -> TokenTree:
    """Write branches as one tree, each kept in its place in ``paths`` and ``branches``.

    ``least_shared_tokens`` is what a fork costs, in tokens: a beginning is shared where that saves as many
    (`sharing.py`). None shares nothing: every branch is a root of its own.
    """
    leaves = sort_into_leaves(branches, least_shared_tokens is not None)
    shared = decide_sharing(leaves.common, leaves.rows, least_shared_tokens or 0).shared
    tree = write_tree(leaves, shared, range(len(leaves)))
    written = [index for members in leaves.members for index in members]
    paths = tuple(path for _, path in sorted(zip(written, tree.paths, strict=True), key=lambda pair: pair[0]))
    return replace(tree, paths=paths, branches=tuple(branches))


def write_tree(leaves: Leaves, shared: np.ndarray, chosen: range) -> TokenTree:
    """Write neighbouring leaves depth first; leaf g takes ``shared[g]`` tokens over from leaf g - 1, the first none."""
    taken = shared[chosen.start : chosen.stop].copy()
    taken[:1] = 0
    parts = [leaves.ids[leaf][start:] for leaf, start in zip(chosen, taken, strict=True)]
    begins = np.cumsum([0, *(len(part) for part in parts)])
    nodes = np.arange(begins[-1])
    depth = nodes - np.repeat(begins[:-1] - taken, np.diff(begins))
    parent, leave = nodes - 1, np.empty_like(nodes)
    paths, branches = [], []
    path = nodes[:0]
    for leaf, start, begin, end in zip(chosen, taken.tolist(), begins.tolist(), begins[1:].tolist(), strict=False):
        leave[path[start:]] = begin
        parent[begin] = path[start - 1] if start else -1
        path = np.concatenate([path[:start], nodes[begin:end]])
        for index in leaves.members[leaf]:
            branches.append(leaves.branches[index])
            paths.append(path[: len(branches[-1].ids)])
    leave[path] = len(nodes)
    ids = np.concatenate(parts) if parts else nodes
    return TokenTree(ids, parent, depth, leave, tuple(paths), tuple(branches))
