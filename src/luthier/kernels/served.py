"""Low-rank terms of many adapters in one call, for matrices that no longer change: what serving runs at every step.

Shapes: T tokens, I inputs, O outputs, R rank.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from luthier.kernels.call import call, is_native


@dataclass(frozen=True)
class ServedMatrices:
    """A ``[R, I]`` and B^T ``[R, O]`` with its scale, both dense and in the products' number format."""

    A_RI: torch.Tensor
    B_RO: torch.Tensor


@dataclass(frozen=True)
class ServedTerm:
    """Tokens ``start..end-1`` get ``(x A^T) B^T``."""

    start: int
    end: int
    matrices: ServedMatrices


def add_served(hidden_TI: torch.Tensor, output_TO: torch.Tensor, terms: Sequence[ServedTerm]) -> None:
    """Add all terms to ``output_TO`` in place. Ranges do not overlap. No autograd."""
    rows = (hidden_TI, output_TO)
    is_ready = all(is_native(x) and x.stride(1) == 1 for x in rows) and hidden_TI.dtype == output_TO.dtype
    if not (is_ready and all(term.matrices.A_RI.dtype == hidden_TI.dtype for term in terms)):
        for term in terms:
            A_RI, B_RO = term.matrices.A_RI.to(hidden_TI.dtype), term.matrices.B_RO.to(hidden_TI.dtype)
            output_TO[term.start : term.end].addmm_(hidden_TI[term.start : term.end] @ A_RI.T, B_RO)
        return
    numbers: list[int] = []
    for term in terms:
        A_RI, B_RO = term.matrices.A_RI, term.matrices.B_RO
        numbers += (A_RI.data_ptr(), B_RO.data_ptr(), len(A_RI), term.start, term.end)
    places = (hidden_TI, hidden_TI.stride(0), output_TO, output_TO.stride(0), torch.tensor(numbers))
    call("served_low_rank", hidden_TI.dtype, *places, len(terms), hidden_TI.shape[1], output_TO.shape[1])
