"""Attention over a token tree on CUDA: torch's FlexAttention under one block mask per micro-batch and reach.

A block mask says for 128 queries by 128 keys whether no pair, every pair or some pairs are seen; kernels skip the
first, take the second whole and ask the mask function in the third. In a tree all of that follows from the first and
last exit of each block of keys, so no matrix of all pairs is ever built.

What was run: the mask, and torch's eager path in float32 on a CPU, outputs and gradients against `tree_attention.py`.
What was not: the compiled kernels, since they need a GPU; so neither their speed nor whether a change of length, reach
or soft-capping compiles again. They want heads of at least 16 numbers.

Dong et al. 2024, *Flex Attention*, arXiv:2412.05496. Shapes: S tokens of the row with padding, Q and K blocks of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import torch
from torch.nn.attention.flex_attention import AuxRequest, BlockMask, flex_attention

from luthier.models.attention import LayerRules
from luthier.tokens.batch import TreeBatch

BLOCK = 128

Kernel = Callable[..., Any]


@dataclass(frozen=True)
class FlexPlan:
    """Query q sees key k exactly when ``k <= q < exit_S[k]`` and k is not out of its reach."""

    exit_S: np.ndarray
    depth_S: np.ndarray
    device: torch.device
    kernel: Kernel
    masks: dict[tuple[int | None, int | None], BlockMask] = field(default_factory=dict)

    def attend(
        self, layer: int, query_BHSD: torch.Tensor, key_BKSD: torch.Tensor, value_BKSD: torch.Tensor, rules: LayerRules
    ) -> torch.Tensor:
        """One row (B = 1) that holds the whole tree; the output is ``[1, H, S, D of values]``."""
        output_BHSD, aux = self.kernel(
            query_BHSD,
            key_BKSD,
            value_BKSD,
            score_mod=None if rules.softcap is None else _soft_capping(rules.softcap),
            block_mask=self._mask(*rules.reach),
            scale=rules.scaling,
            enable_gqa=query_BHSD.shape[1] != key_BKSD.shape[1],
            return_aux=AuxRequest(lse=rules.sinks_H is not None),
        )
        if rules.sinks_H is None:
            return output_BHSD
        # A sink adds exp(sink) to the denominator: exp(lse) / (exp(lse) + exp(sink)) of the output is left.
        share_BHS = torch.sigmoid(aux.lse.float() - rules.sinks_H.float()[:, None])
        return output_BHSD * share_BHS[..., None].to(output_BHSD.dtype)

    def _mask(self, window: int | None, chunk: int | None) -> BlockMask:
        """The mask for layers of this reach; made once and shared by all of them."""
        reach = window, chunk
        if reach not in self.masks:
            first_S = first_visible_depth(self.depth_S, window, chunk)
            self.masks[reach] = mask_blocks(self.exit_S, self.depth_S, first_S, self.device)
        return self.masks[reach]


def plan_flex(batch: TreeBatch, size: int) -> FlexPlan:
    """Tokens from T up to ``size`` are padding: each sees itself alone, so that no row is empty."""
    tree, device = batch.tree, batch.ids_T.device
    exit_S = np.arange(1, size + 1)
    exit_S[: tree.computed_tokens] = tree.exit
    depth_S = np.zeros(size, dtype=np.int64)
    depth_S[: tree.computed_tokens] = tree.depth
    return FlexPlan(exit_S, depth_S, device, compiled_kernel() if device.type == "cuda" else flex_attention)


@cache
def compiled_kernel() -> Kernel:
    """Compiled once per process; lengths are dynamic, since every micro-batch has its own."""
    return torch.compile(flex_attention, dynamic=True)


def first_visible_depth(depth_S: np.ndarray, window: int | None, chunk: int | None) -> np.ndarray:
    """The smallest position that each query sees, by its layer's window and chunk."""
    first_S = np.zeros_like(depth_S)
    if window is not None:
        first_S = np.maximum(first_S, depth_S - window + 1)
    if chunk is not None:
        first_S = np.maximum(first_S, depth_S - depth_S % chunk)
    return first_S


def mask_blocks(exit_S: np.ndarray, depth_S: np.ndarray, first_S: np.ndarray, device: torch.device) -> BlockMask:
    """Which blocks hold pairs that are seen, and which hold nothing else.

    Key k is seen by the queries from k up to its exit, without gaps. So a later block of queries sees something of a
    block of keys if one key's exit lies behind its beginning, and everything if no exit lies before its end.
    """
    starts = np.arange(0, len(exit_S), BLOCK)
    latest_exit_K, earliest_exit_K = np.maximum.reduceat(exit_S, starts), np.minimum.reduceat(exit_S, starts)
    deepest_K, shallowest_K = np.maximum.reduceat(depth_S, starts), np.minimum.reduceat(depth_S, starts)
    lowest_Q, highest_Q = np.minimum.reduceat(first_S, starts)[:, None], np.maximum.reduceat(first_S, starts)[:, None]
    is_later_QK = starts[:, None] > starts
    is_touched_QK = np.eye(len(starts), dtype=bool) | (is_later_QK & (latest_exit_K > starts[:, None]))
    is_touched_QK &= deepest_K >= lowest_Q
    is_full_QK = is_later_QK & (earliest_exit_K >= starts[:, None] + BLOCK) & (shallowest_K >= highest_Q)
    return BlockMask.from_kv_blocks(
        *_list_blocks(is_touched_QK & ~is_full_QK, device),
        *_list_blocks(is_full_QK, device),
        BLOCK_SIZE=BLOCK,
        mask_mod=_visibility(*(torch.from_numpy(x).to(device) for x in (exit_S, depth_S, first_S))),
        seq_lengths=(len(exit_S), len(exit_S)),
    )


def _list_blocks(is_listed_QK: np.ndarray, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """For each block of queries: how many blocks of keys, and their numbers, listed ones first."""
    counts_Q = is_listed_QK.sum(axis=1).astype(np.int32)
    order_QK = np.argsort(~is_listed_QK, axis=1, kind="stable").astype(np.int32)
    return torch.from_numpy(counts_Q)[None, None].to(device), torch.from_numpy(order_QK)[None, None].to(device)


def _visibility(exit_S: torch.Tensor, depth_S: torch.Tensor, first_S: torch.Tensor) -> Callable[..., torch.Tensor]:
    """The exact rule for single pairs. It holds tensors only, so that one compiled kernel serves all reaches."""

    def is_seen(row: torch.Tensor, head: torch.Tensor, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        return (key <= query) & (query < exit_S[key]) & (depth_S[key] >= first_S[query])

    return is_seen


def _soft_capping(softcap: float) -> Callable[..., torch.Tensor]:
    """Gemma 2, arXiv:2408.00118: scores are drawn back smoothly below ``softcap``."""

    def capped(
        score: torch.Tensor, row: torch.Tensor, head: torch.Tensor, query: torch.Tensor, key: torch.Tensor
    ) -> torch.Tensor:
        return softcap * torch.tanh(score / softcap)

    return capped
