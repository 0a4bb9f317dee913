"""Attention over a token tree in one compiled pass forward and one backward, with no mask and nothing gathered.

A *segment* is a run of tokens of which each is the child of the one before. What its tokens may see is a list of
ranges: beginnings of earlier segments, ancestors first, and at last the segment itself up to the token.
Shapes: S tokens with padding, T without, H query heads, K key/value heads, D width of queries and keys, E of values.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from luthier.kernels.call import call, is_native


@dataclass(frozen=True)
class TreeRanges:
    """``plan`` is what token_tree.h reads: counts of tokens and segments, then int32 arrays end to end."""

    plan: torch.Tensor
    depth_T: torch.Tensor

    def lowest_depths(self, window: int | None = None, chunk: int | None = None) -> torch.Tensor:
        """For each token, the least depth that it sees: within a window of tokens, within its chunk of depths."""
        lowest_T = torch.zeros_like(self.depth_T)
        if window is not None:
            lowest_T = torch.maximum(lowest_T, self.depth_T - (window - 1))
        if chunk is not None:
            lowest_T = torch.maximum(lowest_T, self.depth_T // chunk * chunk)
        return lowest_T


def tree_ranges(parent_T: np.ndarray, depth_T: np.ndarray) -> TreeRanges:
    """Segments and their ranges, from each token's parent (an earlier token, or -1) in depth-first order."""
    tokens = len(parent_T)
    is_start = parent_T != np.arange(-1, tokens - 1)
    is_start[:1] = True
    starts = np.flatnonzero(is_start)
    sizes = np.diff(starts, append=tokens)
    owners = np.searchsorted(starts, parent_T[starts], side="right") - 1
    paths: list[list[tuple[int, int]]] = []
    for segment, (start, size, owner) in enumerate(zip(starts, sizes, owners, strict=True)):
        above = []
        if owner >= 0:
            above = [*paths[owner][:-1], (int(owner), int(parent_T[start] - starts[owner] + 1))]
        paths.append([*above, (segment, int(size))])
    first_range = np.cumsum([0, *map(len, paths)])
    ranges = np.array([pair for path in paths for pair in path], dtype=np.int32).reshape(-1, 2)
    counts = [tokens, len(starts)]
    parts = [counts, starts, [tokens], depth_T[starts], first_range, ranges[:, 0], ranges[:, 1]]
    plan = np.concatenate([np.asarray(part, dtype=np.int32) for part in parts])
    return TreeRanges(torch.from_numpy(plan), torch.from_numpy(depth_T.astype(np.int32)))


def spare_unread(lowest_T: torch.Tensor, read_R: torch.Tensor) -> torch.Tensor:
    """Lowest depths by which the kernel leaves out queries before the first and behind the last read one of each
    segment."""
    spared_T = -1 - lowest_T
    spared_T[read_R] = lowest_T[read_R]
    return spared_T


# Queries [S, H, D], keys [S, K, D] and values [S, K, E].
States = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class ScoreRules:
    """How scores become probabilities: ``softcap`` bends them to ``cap * tanh(score / cap)``; ``sinks_H`` is a logit
    per head that takes probability and gives nothing."""

    scaling: float
    softcap: float | None = None
    sinks_H: torch.Tensor | None = None


def can_attend(query_SHD: torch.Tensor, key_SKD: torch.Tensor, value_SKE: torch.Tensor, scaling: float) -> bool:
    """Whether the compiled kernel takes these inputs."""
    inputs = (query_SHD, key_SKD, value_SKE)
    # In bfloat16 numbers are read in pairs.
    is_even = query_SHD.shape[2] % 2 == 0 and value_SKE.shape[2] % 2 == 0
    return scaling > 0 and is_even and all(is_native(x) and x.dtype == query_SHD.dtype for x in inputs)


def attend_tree(
    query_SHD: torch.Tensor,
    key_SKD: torch.Tensor,
    value_SKE: torch.Tensor,
    ranges: TreeRanges,
    lowest_T: torch.Tensor,
    scores: ScoreRules,
) -> torch.Tensor:
    """Softmax attention ``[S, H, E]`` of every token over its path from depth ``lowest_T`` on; padding gives zeros.

    Inputs may be strided views. Sums are in float32; in bfloat16 the probabilities are rounded once, for the product
    with the values. The result depends on the number of threads (to rounding), never on their timing.
    """
    output = _TreeAttention.apply(query_SHD, key_SKD, value_SKE, scores.sinks_H, ranges, lowest_T, scores)
    assert isinstance(output, torch.Tensor)
    return output


class _TreeAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query, key, value, sinks, ranges, lowest, scores):
        states = _dense_rows(query), _dense_rows(key), _dense_rows(value)
        output, log_sums_HS = tree_attention(states, ranges, lowest, scores)
        ctx.ranges, ctx.scores = ranges, scores
        ctx.save_for_backward(*states, sinks, lowest, output, log_sums_HS)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad):
        query, key, value, sinks, lowest, output, log_sums_HS = ctx.saved_tensors
        deltas_HS = torch.zeros_like(log_sums_HS) if ctx.needs_input_grad[3] else None
        states, results = (query, key, value), (output, log_sums_HS)
        grads = tree_attention_gradients(grad, states, results, ctx.ranges, lowest, ctx.scores, deltas_HS)
        grad_sinks = None
        if deltas_HS is not None:
            # A sink gives nothing, so all it does to the output is to take its share away.
            share_HS = torch.exp2(sinks.float()[:, None] / math.log(2) - log_sums_HS)
            grad_sinks = -(share_HS * deltas_HS).sum(dim=1).to(sinks.dtype)
        return *grads, grad_sinks, None, None, None


def tree_attention(
    states: States, ranges: TreeRanges, lowest_T: torch.Tensor, scores: ScoreRules
) -> tuple[torch.Tensor, torch.Tensor]:
    """`attend_tree` without autograd, for rows that are dense; also the log-sums ``[H, S]`` for the gradients.

    Where `spare_unread` has been nobody reads the result, and what stands there is free.
    """
    query_SHD = states[0]
    size, heads, _ = query_SHD.shape
    output = query_SHD.new_empty(size, heads, states[2].shape[2])
    log_sums_HS = torch.empty(heads, size)
    sinks = None if scores.sinks_H is None else scores.sinks_H.detach().float().contiguous()
    places = (*(part for x in states for part in _place(x)), sinks, output, log_sums_HS)
    call("attention_forward", query_SHD.dtype, ranges.plan, lowest_T, *places, *_sizes(states, scores))
    return output, log_sums_HS


def tree_attention_gradients(
    grad_SHE: torch.Tensor,
    states: States,
    results: tuple[torch.Tensor, torch.Tensor],
    ranges: TreeRanges,
    lowest_T: torch.Tensor,
    scores: ScoreRules,
    deltas_HS: torch.Tensor | None = None,
) -> list[torch.Tensor]:
    """Gradients of the query, key and value in ``states``; ``results`` are `tree_attention`'s. ``deltas_HS`` is filled
    with each row's product of output and gradient."""
    grad = _dense_rows(grad_SHE)
    grads = [torch.empty(x.shape, dtype=x.dtype) for x in states]
    places = [part for x in states for part in _place(x)]
    inputs = (*places, *results, *_place(grad), *grads, deltas_HS)
    call("attention_backward", grad.dtype, ranges.plan, lowest_T, *inputs, *_sizes(states, scores))
    return grads


def _sizes(states: States, scores: ScoreRules) -> tuple[int | float, ...]:
    query, key, value = states
    shapes = (*query.shape[:2], key.shape[1], query.shape[2], value.shape[2])
    return *shapes, float(scores.scaling), float(scores.softcap or 0.0)


def _dense_rows(heads_SHD: torch.Tensor) -> torch.Tensor:
    return heads_SHD if heads_SHD.stride(2) == 1 else heads_SHD.contiguous()


def _place(heads_SHD: torch.Tensor) -> tuple[torch.Tensor, int, int]:
    """Where the kernel finds the tensor: its steps from token to token and from head to head."""
    return heads_SHD, heads_SHD.stride(0), heads_SHD.stride(1)
