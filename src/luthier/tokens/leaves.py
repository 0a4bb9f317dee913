"""Branches in lexicographic order, as arrays, with what each has in common with the one before.

A branch that another one continues (an earlier turn of the same conversation, a row that occurs twice) needs no tokens
of its own: it rides along. What is left are the leaves of the trie.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from luthier.tokens.branch import Branch


@dataclass(frozen=True)
class Leaves:
    """G leaves: ids of each, ``common[g]`` tokens that it begins alike with leaf g - 1, and the indices in ``branches``
    of those that end on it, shorter ones first."""

    branches: tuple[Branch, ...]
    ids: tuple[np.ndarray, ...]
    common: np.ndarray
    members: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> np.ndarray:
        return np.array([len(ids) for ids in self.ids], dtype=np.int64)

    @property
    def rows(self) -> np.ndarray:
        """How many branches each leaf stands for."""
        return np.array([len(members) for members in self.members], dtype=np.int64)


def sort_into_leaves(branches: Sequence[Branch], is_folded: bool = True) -> Leaves:
    """Sort, compare neighbours, let the short ones ride. Unfolded, every branch is a leaf with nothing in common."""
    ids, order = _sorted_ids(branches)
    common = [_common_length(left, right) for left, right in pairwise(ids)] if is_folded else [0] * (len(ids) - 1)
    leaf_ids, leaf_common, members = [], [], []
    riders: list[int] = []
    least = 0
    for place, index in enumerate(order):
        riders.append(index)
        if place and len(riders) == 1:
            least = common[place - 1]
        elif place:
            least = min(least, common[place - 1])
        is_ridden = is_folded and place + 1 < len(order) and common[place] == len(ids[place])
        if not is_ridden:
            leaf_ids.append(ids[place])
            leaf_common.append(least)
            members.append(tuple(riders))
            riders = []
    return Leaves(tuple(branches), tuple(leaf_ids), np.array(leaf_common, dtype=np.int64), tuple(members))


def _sorted_ids(branches: Sequence[Branch]) -> tuple[list[np.ndarray], list[int]]:
    """The ids of each branch as an array, and the order of the branches; both sorted."""
    ids = [np.fromiter(branch.ids, np.int64, len(branch.ids)) for branch in branches]
    # Big-endian bytes compare like the numbers they spell, in one call per pair.
    spelled = [row.astype(">i8").tobytes() for row in ids]
    order = sorted(range(len(branches)), key=spelled.__getitem__)
    return [ids[index] for index in order], order


def _common_length(left: np.ndarray, right: np.ndarray) -> int:
    """How many tokens two sequences begin with in common."""
    size = min(len(left), len(right))
    differs = left[:size] != right[:size]
    first = int(differs.argmax()) if size else 0
    return first if size and differs[first] else size
