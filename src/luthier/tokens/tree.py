"""The token tree: branches that begin alike are written once, depth first.

Three arrays tell the whole story of token ``i``: its ``parent`` (an earlier index, -1 at a root), its ``depth`` (the
position id) and its ``exit``, one past the last token of its subtree. Query ``q`` may see key ``k`` exactly when
``k <= q < exit[k]``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luthier.tokens.branch import Branch

# A fork costs a segment of its own in attention; sharing fewer tokens than this is not worth it.
LEAST_SHARED_TOKENS = 8


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


def fold(branches: Sequence[Branch], least_shared_tokens: int | None = LEAST_SHARED_TOKENS) -> TokenTree:
    """Write branches as a trie. ``least_shared_tokens=None`` shares nothing: every branch is a root of its own.

    Branches are taken in lexicographic order, so each one's longest common beginning is with its predecessor.
    """
    order = sorted(range(len(branches)), key=lambda i: branches[i].ids)
    writer = _TreeWriter()
    paths: dict[int, np.ndarray] = {}
    for index in order:
        shared = 0 if least_shared_tokens is None else writer.shared_with_last(branches[index].ids, least_shared_tokens)
        paths[index] = writer.write(branches[index].ids, shared)
    ids, parent, depth, leave = writer.finish()
    return TokenTree(ids, parent, depth, leave, tuple(paths[i] for i in range(len(branches))), tuple(branches))


class _TreeWriter:
    """Appends branches depth first; remembers the last path and where it may be forked cheaply."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.parent: list[int] = []
        self.depth: list[int] = []
        self.exit: list[int] = []
        self.last_ids: tuple[int, ...] = ()
        self.last_path: list[int] = []
        self.forks: list[int] = [0]

    def shared_with_last(self, ids: tuple[int, ...], least_shared_tokens: int) -> int:
        """How many tokens to share with the last branch: its common beginning, or an earlier fork that is near."""
        common = common_length(self.last_ids, ids)
        if common == len(self.last_ids):
            return common
        nearest = max(fork for fork in self.forks if fork <= common)
        return common if common - nearest >= least_shared_tokens else nearest

    def write(self, ids: tuple[int, ...], shared: int) -> np.ndarray:
        for node in self.last_path[shared:]:
            self.exit[node] = len(self.ids)
        path = self.last_path[:shared]
        for depth in range(shared, len(ids)):
            self.parent.append(path[-1] if path else -1)
            self.depth.append(depth)
            self.exit.append(0)
            path.append(len(self.ids))
            self.ids.append(ids[depth])
        self.forks = [fork for fork in self.forks if fork < shared] + [shared]
        self.last_ids, self.last_path = ids, path
        return np.array(path, dtype=np.int64)

    def finish(self) -> tuple[np.ndarray, ...]:
        for node in self.last_path:
            self.exit[node] = len(self.ids)
        return tuple(np.array(column, dtype=np.int64) for column in (self.ids, self.parent, self.depth, self.exit))


def common_length(left: tuple[int, ...], right: tuple[int, ...]) -> int:
    """How many tokens two sequences begin with in common, by bisection over slices."""
    size = min(len(left), len(right))
    if left[:size] == right[:size]:
        return size
    low, high = 0, size
    while high - low > 1:
        middle = (low + high) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle
    return low
