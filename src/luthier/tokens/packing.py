"""From the examples of one optimizer step to micro-batches: folded trees under a token budget.

Which examples meet in a step is drawn before anything is folded, so folding and cutting change speed, never the loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from luthier.tokens.branch import Branch
from luthier.tokens.leaves import Leaves, sort_into_leaves
from luthier.tokens.sharing import FORK_TOKENS, Sharing, decide_sharing
from luthier.tokens.tree import TokenTree, write_tree

# An estimate of what a micro-batch costs however few tokens it holds: kernels are launched, weights are read. Where
# 1,024 tokens reach 55 % of a machine and 4,096 reach 65 %, both lose as much time as 264 tokens take.
MICRO_BATCH_TOKENS = 256


@dataclass(frozen=True)
class Packing:
    """A step's leaves cut into micro-batches: micro-batch m holds leaves ``cuts[m]`` to ``cuts[m + 1] - 1``. Counting
    needs no tree, so a whole run can be added up quickly."""

    leaves: Leaves
    sharing: Sharing
    cuts: tuple[int, ...]

    @property
    def given_tokens(self) -> int:
        return sum(len(branch.ids) for branch in self.leaves.branches)

    @property
    def computed_tokens(self) -> tuple[int, ...]:
        """Per micro-batch. A shared beginning counts in each one that needs it."""
        own = np.cumsum([0, *(self.leaves.lengths - self.sharing.shared)])
        return tuple(int(own[end] - own[start] + self.sharing.shared[start]) for start, end in pairwise(self.cuts))

    @property
    def repeated_tokens(self) -> int:
        """Shared tokens that are computed again because a cut runs through their rows."""
        return int(self.sharing.shared[list(self.cuts[:-1])].sum())

    def trees(self) -> list[TokenTree]:
        return [write_tree(self.leaves, self.sharing.shared, range(*cut)) for cut in pairwise(self.cuts)]


def pack(
    branches: Sequence[Branch], budget_tokens: int, is_folded: bool = True, fork_tokens: float = FORK_TOKENS
) -> list[TokenTree]:
    """Cut a step's branches into trees of at most ``budget_tokens`` computed tokens each, all about as large.

    A shared beginning is computed again in each micro-batch that needs it. A branch longer than the budget gets a
    micro-batch of its own.
    """
    return plan_packing(branches, budget_tokens, is_folded, fork_tokens).trees()


def plan_packing(
    branches: Sequence[Branch], budget_tokens: int, is_folded: bool = True, fork_tokens: float = FORK_TOKENS
) -> Packing:
    """Decide what is shared, once for the whole step, and where it is cut; writes no tree."""
    leaves = sort_into_leaves(branches, is_folded)
    sharing = decide_sharing(leaves.common, leaves.rows, fork_tokens)
    return Packing(leaves, sharing, cut(leaves.lengths, sharing.shared, budget_tokens))


def pack_jointly(packings: Sequence[Packing], budget_tokens: int) -> list[list[tuple[int, TokenTree]]]:
    """Cut several steps as if they were one; per micro-batch its trees, each with the index of the step it is of.

    Steps stand one after another, so a micro-batch holds each of them once at most. A cut between two steps repeats
    nothing; one through a step's shared beginning is made only where that is cheaper than a micro-batch less full.
    """
    lengths = np.concatenate([packing.leaves.lengths for packing in packings])
    shared = np.concatenate([packing.sharing.shared for packing in packings])
    starts = [int(start) for start in np.cumsum([0, *(len(packing.leaves) for packing in packings)])]
    micro_batches = []
    for begin, end in pairwise(cut(lengths, shared, budget_tokens)):
        trees = []
        for index, (packing, (first, last)) in enumerate(zip(packings, pairwise(starts), strict=True)):
            chosen = range(max(begin, first) - first, min(end, last) - first)
            if chosen:
                trees.append((index, write_tree(packing.leaves, packing.sharing.shared, chosen)))
        micro_batches.append(trees)
    return micro_batches


def cut(lengths: np.ndarray, shared: np.ndarray, budget_tokens: int) -> tuple[int, ...]:
    """Where micro-batches of neighbouring leaves begin, and the end: the cheapest of all ways to cut.

    A micro-batch of s tokens costs s + (1 + (s / budget)**2 / 2) * MICRO_BATCH_TOKENS. The square makes equal sizes
    the cheapest; as it is worth at most half a micro-batch, there are no more of them than the budget asks for, unless
    one more spares that many repeated tokens.
    """
    own = np.cumsum([0, *(lengths - shared)])
    # A micro-batch that begins with leaf i writes its beginning itself: own[j] - base[i] tokens up to leaf j - 1.
    base = own[:-1] - shared
    count = len(lengths)
    if count == 0 or own[count] - base[0] <= budget_tokens:
        return (0, count) if count else (0,)
    best = np.zeros(count + 1)
    came_from = [0] * (count + 1)
    first = np.minimum(np.searchsorted(base, own[1:] - budget_tokens), np.arange(count)).tolist()
    for end in range(1, count + 1):
        start = first[end - 1]
        sizes = own[end] - base[start:end]
        costs = best[start:end] + sizes + (1 + (sizes / budget_tokens) ** 2 / 2) * MICRO_BATCH_TOKENS
        cheapest = int(costs.argmin())
        best[end], came_from[end] = costs[cheapest], start + cheapest
    cuts = [count]
    while cuts[-1]:
        cuts.append(came_from[cuts[-1]])
    return tuple(reversed(cuts))
