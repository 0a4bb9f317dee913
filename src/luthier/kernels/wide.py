"""Products of token rows with a large matrix, thin terms added while the sums are still at hand.

Compiled for processors that multiply bfloat16 in pairs; where there are tiles of them (AMX), torch's library is faster
and serves. A compiled result depends on its own row and the matrix alone: not on the other rows or the threads.
Shapes: T tokens, I inputs, O outputs, R rank.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch

from luthier.kernels.build import open_kernels
from luthier.kernels.call import call

RECORD = struct.Struct("=5qfi")
LEAST_ROWS = 16  # of fewer, most of the time would go into packing the matrix


@dataclass(frozen=True)
class NarrowTerm:
    """Tokens ``start..end-1`` get ``scaling * low_TR`` times a dense float32 master as well: B^T of ``[O, R]`` where
    rows of the matrix become outputs, else A ``[R, I]``. R is even. Terms come in the tokens' order."""

    start: int
    end: int
    low_TR: torch.Tensor
    master: torch.Tensor
    scaling: float = 1.0


@cache
def offers_products() -> bool:
    """Whether large products are compiled for this machine."""
    return hasattr(open_kernels().library, "wide_product_bfloat16")


def can_multiply(rows_TX: torch.Tensor, weight_OI: torch.Tensor) -> bool:
    """Whether the compiled product takes these inputs, in either direction."""
    outputs, inputs = weight_OI.shape
    return (
        rows_TX.dtype == weight_OI.dtype == torch.bfloat16
        and rows_TX.is_cpu
        and offers_products()
        and rows_TX.shape[0] >= LEAST_ROWS
        and rows_TX.stride(1) == 1
        and weight_OI.is_contiguous()
        and not (outputs % 2 or inputs % 2)
    )


def multiply_across(
    rows_TI: torch.Tensor,
    weight_OI: torch.Tensor,
    bias_O: torch.Tensor | None = None,
    terms: Sequence[NarrowTerm] = (),
    out_TO: torch.Tensor | None = None,
    added_TO: torch.Tensor | None = None,
) -> torch.Tensor:
    """``x W^T + b`` ``[T, O]``; no autograd.

    Terms, ``out_TO`` for the result, and ``added_TO``, which it is added to before it is rounded (and which may be
    ``out_TO``), only where `can_multiply`.
    """
    if not can_multiply(rows_TI, weight_OI):
        assert not terms and out_TO is None and added_TO is None
        return torch.nn.functional.linear(rows_TI, weight_OI, bias_O)
    bias = None if bias_O is None else bias_O.to(weight_OI.dtype).contiguous()
    if out_TO is None:
        out_TO = rows_TI.new_empty(rows_TI.shape[0], weight_OI.shape[0])
    return _multiply(rows_TI, weight_OI, bias, terms, added_TO, out_TO, is_across=True)


def multiply_along(
    rows_TO: torch.Tensor,
    weight_OI: torch.Tensor,
    terms: Sequence[NarrowTerm] = (),
    out_TI: torch.Tensor | None = None,
    added_TI: torch.Tensor | None = None,
) -> torch.Tensor:
    """``y W`` ``[T, I]``, into ``out_TI`` if it is given; no autograd.

    Terms, and ``added_TI``, as with `multiply_across`, only where `can_multiply`.
    """
    if out_TI is None:
        out_TI = rows_TO.new_empty(rows_TO.shape[0], weight_OI.shape[1])
    if not can_multiply(rows_TO, weight_OI):
        assert not terms and added_TI is None
        return torch.mm(rows_TO, weight_OI, out=out_TI)
    return _multiply(rows_TO, weight_OI, None, terms, added_TI, out_TI, is_across=False)


def _multiply(
    rows_TX, weight_OI, bias_O, terms: Sequence[NarrowTerm], added, output, *, is_across: bool
) -> torch.Tensor:
    begun = (None, 0) if added is None else (added, added.stride(0))
    places = (rows_TX, rows_TX.stride(0), weight_OI, *weight_OI.shape, int(is_across), bias_O, *begun)
    records = b"".join(map(_record, terms))
    results = (output, output.stride(0), rows_TX.shape[0], records, len(terms))
    call("wide_product", rows_TX.dtype, *places, *results)
    return output


def _record(term: NarrowTerm) -> bytes:
    """What wide_products.cpp reads: six numbers of 64 bits, the last of them half empty."""
    addresses = term.low_TR.data_ptr(), term.master.data_ptr()
    return RECORD.pack(term.start, term.end, term.low_TR.shape[1], *addresses, term.scaling, 0)
