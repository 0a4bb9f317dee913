"""A frozen matrix, alone or with low-rank terms beside it (Hu et al. 2021, arXiv:2106.09685, eq. 3), both ways.

Shapes: T tokens, I inputs, O outputs, R rank. Where dimensions lead to ``[..., I]``, together they are the T tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from luthier.kernels.thin import (
    ThinMatrices,
    add_low_rank,
    lies_as_read,
    low_rank_gradients,
    narrow,
    narrow_gradients,
)
from luthier.kernels.wide import NarrowTerm, can_multiply, multiply_across, multiply_along


@dataclass(frozen=True)
class TokenRange:
    """Tokens ``start..end-1`` get ``thin``'s term. Ranges come in the tokens' order."""

    start: int
    end: int
    thin: ThinMatrices

    def of(self, rows_TX: torch.Tensor) -> torch.Tensor:
        """Its rows; a part of a tensor is a tensor more to make, so the whole stays what it is."""
        is_all = self.start == 0 and self.end == rows_TX.shape[0]
        return rows_TX if is_all else rows_TX[self.start : self.end]


def frozen_product(
    hidden: torch.Tensor,
    weight_OI: torch.Tensor,
    bias_O: torch.Tensor | None,
    ranges: Sequence[TokenRange],
    added_TO: torch.Tensor | None = None,
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """``x W^T + b`` with the terms ``[..., O]``, added to ``added_TO``, and each ``x A^T`` for `frozen_gradients`.

    No autograd.
    """
    hidden_TI = flat(hidden)
    if _can_add_terms(hidden_TI, weight_OI, ranges):
        lows = [narrow(each.of(hidden_TI), each.thin) for each in ranges]
        terms = [
            NarrowTerm(each.start, each.end, low, each.thin.B_OR, each.thin.scaling)
            for each, low in zip(ranges, lows, strict=True)
        ]
        output = hidden.new_empty(*hidden.shape[:-1], weight_OI.shape[0])
        multiply_across(hidden_TI, weight_OI, bias_O, terms, flat(output), added_TO)
        return output, lows
    output = torch.nn.functional.linear(hidden, weight_OI, bias_O)
    output_TO = flat(output)
    if added_TO is not None:
        output_TO += added_TO
    return output, [add_low_rank(each.of(hidden_TI), each.of(output_TO), each.thin) for each in ranges]


def frozen_gradients(
    grad_TO: torch.Tensor,
    hidden_TI: torch.Tensor,
    weight_OI: torch.Tensor,
    ranges: Sequence[TokenRange],
    lows: Sequence[torch.Tensor],
    added_TI: torch.Tensor | None = None,
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Gradient of the hidden states, and of every A and B in turn (float32); the first is added to ``added_TI``, whose
    place it may take."""
    if _can_add_terms(grad_TO, weight_OI, ranges):
        found = [
            narrow_gradients(each.of(grad_TO), each.of(hidden_TI), low, each.thin)
            for each, low in zip(ranges, lows, strict=True)
        ]
        terms = [
            NarrowTerm(each.start, each.end, grad_low, each.thin.A_RI)
            for each, (_, _, grad_low) in zip(ranges, found, strict=True)
        ]
        grad_hidden_TI = multiply_along(grad_TO, weight_OI, terms, added_TI, added_TI)
        return grad_hidden_TI, [grad for pair in found for grad in pair[:2]]
    grad_hidden_TI = grad_TO @ weight_OI if added_TI is None else added_TI.addmm_(grad_TO, weight_OI)
    return grad_hidden_TI, thin_gradients(grad_TO, hidden_TI, ranges, lows, grad_hidden_TI)


def thin_gradients(
    grad_TO: torch.Tensor,
    hidden_TI: torch.Tensor,
    ranges: Sequence[TokenRange],
    lows: Sequence[torch.Tensor],
    grad_hidden_TI: torch.Tensor | None = None,
) -> list[torch.Tensor]:
    """Gradients of every A and B in turn; the terms' part of ``grad_hidden_TI`` is added in place, if it is given."""
    grads: list[torch.Tensor] = []
    for each, low in zip(ranges, lows, strict=True):
        hidden_part = None if grad_hidden_TI is None else each.of(grad_hidden_TI)
        grads += low_rank_gradients(each.of(grad_TO), each.of(hidden_TI), low, each.thin, hidden_part)
    return grads


def flat(rows: torch.Tensor) -> torch.Tensor:
    """``[..., X]`` as ``[T, X]``."""
    return rows.reshape(-1, rows.shape[-1])


def _can_add_terms(rows_TX: torch.Tensor, weight_OI: torch.Tensor, ranges: Sequence[TokenRange]) -> bool:
    """Whether the large product itself can add the terms."""
    return can_multiply(rows_TX, weight_OI) and all(lies_as_read(each.thin) for each in ranges)


def frozen_linear(hidden: torch.Tensor, weight_OI: torch.Tensor, bias_O: torch.Tensor | None) -> torch.Tensor:
    """``x W^T + b``, differentiable in ``hidden`` alone; as torch has it where a matrix learns or is no bfloat16."""
    is_trained = torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in (weight_OI, bias_O))
    if is_trained or not can_multiply(flat(hidden), weight_OI):
        return torch.nn.functional.linear(hidden, weight_OI, bias_O)
    output = _FrozenLinear.apply(hidden, weight_OI, bias_O)
    assert isinstance(output, torch.Tensor)
    return output


class _FrozenLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden, weight_OI, bias_O):
        ctx.save_for_backward(weight_OI)
        return frozen_product(hidden, weight_OI, bias_O, ())[0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad):
        (weight_OI,) = ctx.saved_tensors
        return multiply_along(flat(grad), weight_OI).view(*grad.shape[:-1], -1), None, None
