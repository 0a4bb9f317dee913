"""What a micro-batch costs in memory, found by running four small ones of the run's own rows and counting.

Nothing is assumed of architecture, method or engine except that bytes grow linearly with tokens, with query-key pairs
and with the rows of one chunk of the head. Four measurements give the four numbers of each stage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from luthier.models import backbone_of
from luthier.models.shapes import TOKENS, round_up
from luthier.tokens import Branch, TokenTree, pack
from luthier.training.memory.live import LiveBytes

PROBE_TOKENS = 256
PROBE_BRANCHES = 6
LONGEST_PROBE_BRANCH = 768
FEW_HEAD_ROWS, MORE_HEAD_ROWS = 32, 192
STAGES = ("forward", "head", "backward")


@dataclass(frozen=True)
class MicroBatchSize:
    """What memory depends on. ``pairs``: a query and a key it sees; ``head_rows``: trained tokens, each read once."""

    tokens: int
    pairs: int
    head_rows: int


@dataclass(frozen=True)
class StageBytes:
    """Most bytes of tensors alive in one stage, beyond what was there before the micro-batch."""

    constant: float
    per_token: float
    per_pair: float
    per_head_row: float

    def at(self, size: MicroBatchSize, chunk_rows: int) -> int:
        """The head sees ``chunk_rows`` rows at a time."""
        rest = self.constant + self.per_token * size.tokens + self.per_pair * size.pairs
        return round(rest + self.per_head_row * min(size.head_rows, chunk_rows))


@dataclass(frozen=True)
class Probed:
    """One micro-batch run to its end by ``run``, counted block by block with ``block_bytes``."""

    model: torch.nn.Module
    run: Callable[[TokenTree], object]
    block_bytes: Callable[[int], float]


def size_of(tree: TokenTree) -> MicroBatchSize:
    trained = [path[np.flatnonzero(b.weights)] for path, b in zip(tree.paths, tree.branches, strict=True)]
    head_rows = len(np.unique(np.hstack(trained)))
    pairs = int(tree.depth.sum()) + len(tree.depth)
    return MicroBatchSize(round_up(tree.computed_tokens, TOKENS), pairs, round_up(head_rows, TOKENS))


def probe(probed: Probed, like: TokenTree) -> dict[str, StageBytes]:
    """Costs, by stage, of micro-batches whose rows are like those of ``like``.

    Gradients must not be counted as part of a micro-batch, so the first one, which is not measured, makes them; it
    also makes what is made once (kernels, tables). Who calls removes the gradients.
    """
    trees = _probe_trees(_some_branches(like))
    probed.run(trees[1])
    measured = [(size_of(tree), _peaks(probed, tree)) for tree in trees]
    return {stage: _fit([(size, peaks.get(stage, 0.0)) for size, peaks in measured]) for stage in STAGES}


def _peaks(probed: Probed, tree: TokenTree) -> dict[str, float]:
    """Peak of live bytes in each stage of one micro-batch; the head's stage is its forward and its backward."""
    live = LiveBytes(probed.block_bytes)

    def head_begins(module: torch.nn.Module, given: Any, output: Any) -> None:
        live.enter("head")
        if output.last_hidden_state.requires_grad:
            output.last_hidden_state.register_hook(lambda gradient: live.enter("backward"))

    hook = backbone_of(probed.model).register_forward_hook(head_begins)
    try:
        with live:
            live.enter("forward")
            probed.run(tree)
    finally:
        hook.remove()
    return live.peaks


def _fit(measured: Sequence[tuple[MicroBatchSize, float]]) -> StageBytes:
    """Least squares with no negative number: where pairs explain less than nothing, tokens explain all."""
    sizes = np.array([(1.0, size.tokens, size.pairs, size.head_rows) for size, _ in measured])
    peaks = np.array([peak for _, peak in measured])
    columns = [0, 1, 2, 3]
    while True:
        found = np.zeros(4)
        scale = sizes[:, columns].max(axis=0)
        found[columns] = np.linalg.lstsq(sizes[:, columns] / scale, peaks, rcond=1e-9)[0] / scale
        negative = [column for column in (2, 3, 1, 0) if found[column] < 0]
        if not negative:
            return StageBytes(*map(float, found))
        columns.remove(negative[0])


def _some_branches(tree: TokenTree) -> list[Branch]:
    """Enough of a tree's branches, in its own order, to stand for it; very long ones are cut."""
    taken: list[Branch] = []
    for branch in sorted(tree.branches, key=lambda b: b.ids):
        taken.append(_cut(branch, LONGEST_PROBE_BRANCH))
        tokens = sum(len(b.ids) for b in taken)
        if tokens >= 2 * LONGEST_PROBE_BRANCH or (tokens >= PROBE_TOKENS and len(taken) >= PROBE_BRANCHES):
            break
    return taken


def _probe_trees(branches: Sequence[Branch]) -> list[TokenTree]:
    """All rows; fewer; shorter; all with more of their tokens trained."""
    fewer = branches[: -(-len(branches) // 2)] if len(branches) > 1 else [_cut(branches[0], len(branches[0].ids) // 4)]
    shorter = [_cut(branch, len(branch.ids) // 2) for branch in branches]
    variants = [(branches, FEW_HEAD_ROWS), (fewer, FEW_HEAD_ROWS), (shorter, FEW_HEAD_ROWS), (branches, MORE_HEAD_ROWS)]
    return [pack(_train(rows, trained), budget_tokens=10**9)[0] for rows, trained in variants]


def _cut(branch: Branch, tokens: int) -> Branch:
    kept = max(2, tokens)
    return Branch(branch.ids[:kept], branch.weights[:kept])


def _train(branches: Sequence[Branch], trained: int) -> list[Branch]:
    """The same rows with their last tokens trained, ``trained`` in all if they are long enough."""
    each = max(1, trained // len(branches))
    return [
        Branch(b.ids, tuple(float(place >= max(1, len(b.ids) - each)) for place in range(len(b.ids)))) for b in branches
    ]
