"""Which shared beginnings are worth computing once: what a fork saves against what it costs, weighed together.

A fork is a place where branches that began alike part. Sharing its beginning saves the linear work of every branch
but one. It costs one more segment for attention, a fixed sum that does not depend on its length. Attention from the
branches to the shared tokens is needed either way, so it is on neither side.
"""

from dataclasses import dataclass, field

import numpy as np

# An estimate, the same as `models/tree_attention.py` makes: an attention call of its own costs about as much as this
# many query-key pairs inside a larger one.
PAIRS_PER_FORK = 4096
# Floating-point operations of a frozen base: 2 per weight forward, 2 backward; and per layer 12 * width**2 weights
# (4 in the attention projections, 8 in the feed-forward block).
OPERATIONS_PER_WEIGHT = 4
WEIGHTS_PER_SQUARED_WIDTH = 12
# Scores and values are 2 * width each per query-key pair, and the backward pass does each product twice.
OPERATIONS_PER_PAIR_AND_WIDTH = 12
# The width that is taken where none is known: small, so that the cost of a fork is not belittled.
REFERENCE_WIDTH = 192


@dataclass(frozen=True)
class SharingCost:
    """Counted operations of one layer, forward and backward: one token's linear work, and one more segment."""

    operations_per_token: float
    operations_per_fork: float

    @property
    def fork_tokens(self) -> float:
        """What a fork costs in tokens of linear work; sharing fewer than this does not pay."""
        return self.operations_per_fork / self.operations_per_token


def sharing_cost(width: int = REFERENCE_WIDTH) -> SharingCost:
    """The cost for a model of this hidden size; it comes to 1024 / width tokens per fork."""
    return SharingCost(
        operations_per_token=OPERATIONS_PER_WEIGHT * WEIGHTS_PER_SQUARED_WIDTH * width**2,
        operations_per_fork=PAIRS_PER_FORK * OPERATIONS_PER_PAIR_AND_WIDTH * width,
    )


# Where no width is known.
FORK_TOKENS = sharing_cost().fork_tokens


@dataclass(frozen=True)
class Fork:
    """``rows`` branches begin with the same ``tokens`` tokens and then part. ``run_tokens`` of them lie behind the
    nearest shared fork before; ``saved_tokens`` are what computing these once spares, 0 if it was not worth it."""

    tokens: int
    run_tokens: int
    rows: int
    saved_tokens: int
    is_shared: bool


@dataclass(frozen=True)
class Sharing:
    """``shared[i]``: how many tokens branch i takes over from branch i - 1 in lexicographic order."""

    shared: np.ndarray
    forks: tuple[Fork, ...] = ()


@dataclass(eq=False)
class _Node:
    """Branches ``first`` to ``last`` begin with the same ``depth`` tokens. What is decided is filled in on the way:
    ``level`` forks lie above it, the nearest one kept (itself included) is at ``kept_level`` and ``kept_depth``."""

    depth: int
    first: int
    last: int = -1
    children: list["_Node"] = field(default_factory=list)
    level: int = 0
    ancestors: np.ndarray = field(default_factory=lambda: np.zeros(0))
    pays_under: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    is_shared: bool = True
    kept_level: int = 0
    kept_depth: int = 0
    run_tokens: int = 0

    @property
    def leaves(self) -> int:
        """How many branches part from all others right here."""
        return self.last - self.first + 1 - sum(child.last - child.first + 1 for child in self.children)


def decide_sharing(common: np.ndarray, rows: np.ndarray, fork_tokens: float) -> Sharing:
    """Choose the forks that make tokens + ``fork_tokens`` * forks least.

    ``common[i]``: length of the beginning that branch i and branch i - 1 have in common, in lexicographic order, no
    branch being the beginning of another; ``rows[i]``: how many rows branch i stands for. A fork that is left out
    leaves its branches at the nearest fork before it, so all choices along a path are made together, from the leaves
    up, once for every possible nearest fork.
    """
    if not common.any():
        return Sharing(np.zeros_like(common))
    nodes, partings = _find_forks(common)
    _weigh(nodes, fork_tokens)
    _decide(nodes)
    rows_before = np.concatenate([[0], np.cumsum(rows)])
    forks = [
        Fork(
            tokens=node.depth,
            run_tokens=node.run_tokens,
            rows=int(rows_before[node.last + 1] - rows_before[node.first]),
            saved_tokens=(node.last - node.first) * node.run_tokens if node.is_shared else 0,
            is_shared=node.is_shared,
        )
        for node in nodes[:-1]
    ]
    return Sharing(np.array([0, *(node.kept_depth for node in partings)], dtype=np.int64), tuple(forks))


def _find_forks(common: np.ndarray) -> tuple[list[_Node], list[_Node]]:
    """All forks, children before parents and the root last; and where each branch but the first parts from the one
    before. One pass over the common lengths, the open forks on a stack."""
    root = _Node(depth=0, first=0, last=len(common) - 1)
    stack, closed, partings = [root], [], []
    for index, depth in enumerate([*common[1:].tolist(), 0], start=1):
        first, orphan = index - 1, None
        while stack[-1].depth > depth:
            orphan = stack.pop()
            orphan.last, first = index - 1, orphan.first
            closed.append(orphan)
            if stack[-1].depth >= depth:
                stack[-1].children.append(orphan)
                orphan = None
        if stack[-1].depth < depth:
            stack.append(_Node(depth, first, children=[orphan] if orphan else []))
        partings.append(stack[-1])
    return [*closed, root], partings[:-1]


def _weigh(nodes: list[_Node], fork_tokens: float) -> None:
    """From the leaves up: does a fork pay, if ancestor a is the nearest one kept?"""
    for node in reversed(nodes):
        for child in node.children:
            child.level, child.ancestors = node.level + 1, np.append(node.ancestors, float(node.depth))
    costs: dict[_Node, np.ndarray] = {}
    for node in nodes[:-1]:
        # Entry a: tokens written below here, up to a constant, by branches that hang from ancestor a; last: from here.
        below = -node.leaves * np.append(node.ancestors, float(node.depth))
        for child in node.children:
            below += costs.pop(child)
        shared = fork_tokens + node.depth - node.ancestors + below[-1]
        node.pays_under = shared <= below[:-1]
        costs[node] = np.minimum(shared, below[:-1])


def _decide(nodes: list[_Node]) -> None:
    """From the root down: which forks stay."""
    for node in reversed(nodes):
        for child in node.children:
            child.run_tokens = child.depth - node.kept_depth
            child.is_shared = bool(child.pays_under[node.kept_level])
            child.kept_level = child.level if child.is_shared else node.kept_level
            child.kept_depth = child.depth if child.is_shared else node.kept_depth
