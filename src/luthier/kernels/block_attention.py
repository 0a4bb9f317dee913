"""Attention of new tokens over keys and values kept in blocks of 16 tokens, in one compiled pass: no key is copied.

Shapes: N new tokens, H query heads, K key/value heads, D width of queries and keys, E of values (F rounded up to 16),
R rows of growing text, W blocks that a row may have.
"""

from dataclasses import dataclass

import torch

from luthier.kernels.attention import ScoreRules
from luthier.kernels.call import call, is_native

BLOCK_TOKENS = 16


@dataclass(frozen=True)
class Blocks:
    """One layer's memory: keys ``[blocks, K, D, 16]`` and values ``[blocks, K, 16, F]``."""

    keys: torch.Tensor
    values: torch.Tensor


@dataclass(frozen=True)
class BlockPlaces:
    """``tables_RW``: the blocks of each row. Token n stands at ``position_N`` of row ``row_N``; -1 is padding.

    All int32. Tokens of one row stand together, in the order of their positions.
    """

    tables_RW: torch.Tensor
    row_N: torch.Tensor
    position_N: torch.Tensor


def can_attend_blocks(query_NHD: torch.Tensor, blocks: Blocks, scaling: float) -> bool:
    """Whether the compiled kernel takes these inputs."""
    return scaling > 0 and is_native(query_NHD) and blocks.keys.dtype == blocks.values.dtype == query_NHD.dtype


def attend_blocks(
    query_NHD: torch.Tensor,
    new: tuple[torch.Tensor, torch.Tensor],
    blocks: Blocks,
    places: BlockPlaces,
    lowest_N: torch.Tensor,
    scores: ScoreRules,
) -> torch.Tensor:
    """Write the new keys ``[N, K, D]`` and values ``[N, K, E]`` into their blocks; then softmax attention ``[N, H, E]``
    of every token over its row from position ``lowest_N`` (int32) up to itself. Padding gives zeros. No autograd.

    A token's output depends on its own row alone, bit for bit, whatever else is computed with it.
    """
    query, key, value = (rows if rows.stride(2) == 1 else rows.contiguous() for rows in (query_NHD, *new))
    tokens, heads, width = query.shape
    output = query.new_empty(tokens, heads, value.shape[2])
    sinks = None if scores.sinks_H is None else scores.sinks_H.float().contiguous()
    strides = (query, query.stride(0), query.stride(1), key, key.stride(0), key.stride(1))
    memory = (value, value.stride(0), value.stride(1), blocks.keys, blocks.values)
    where = (places.tables_RW, places.row_N, places.position_N, lowest_N)
    sizes = (tokens, heads, key.shape[1], width, value.shape[2], places.tables_RW.shape[1])
    rules = (float(scores.scaling), float(scores.softcap or 0.0))
    call("block_attention", query.dtype, *strides, *memory, *where, sinks, output, *sizes, *rules)
    return output
