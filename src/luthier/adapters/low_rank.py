"""The product that all LoRA kinds share: a frozen matrix over all tokens plus a thin term per range of tokens.

Shapes: T tokens, I inputs, O outputs, R rank. The backward pass is written out, so that a layer costs two large
products and thin ones, with nothing copied, scaled or added in passes of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.autograd.function import once_differentiable

from luthier.kernels import ThinMatrices, TokenRange, flat, frozen_gradients, frozen_product, thin_gradients


class PackedWeight(Protocol):
    """A frozen matrix that is stored narrower than it is multiplied."""

    def widened(self, kind: torch.dtype) -> torch.Tensor: ...


@dataclass(frozen=True)
class ThinTerm:
    """Tokens ``start..end-1`` get ``scaling * (x A^T) B^T``; both matrices are float32 masters."""

    start: int
    end: int
    scaling: float
    A_RI: torch.Tensor
    B_OR: torch.Tensor


def low_rank_linear(
    hidden: torch.Tensor,
    weight_OI: torch.Tensor | PackedWeight,
    bias_O: torch.Tensor | None,
    terms: tuple[ThinTerm, ...],
) -> torch.Tensor:
    """``x W^T + b`` with the terms added; ``hidden`` is ``[..., I]``, its leading dimensions count as T tokens.

    A packed weight is widened for the product and once more for the backward pass, so that no wide copy is kept.
    """
    places = tuple((term.start, term.end, term.scaling) for term in terms)
    matrices = [matrix for term in terms for matrix in (term.A_RI, term.B_OR)]
    output = _LowRankLinear.apply(hidden, weight_OI, bias_O, places, *matrices)
    assert isinstance(output, torch.Tensor)
    return output


class _LowRankLinear(torch.autograd.Function):
    """Hu et al. 2021 (arXiv:2106.09685, eq. 3). The frozen weight gets no gradient.

    Flattens within: outside, each view would be one more step of autograd, forward and backward.
    """

    @staticmethod
    def forward(ctx: Any, hidden, weight_OI, bias_O, places, *matrices):
        ctx.packed = None if isinstance(weight_OI, torch.Tensor) else weight_OI
        ranges = _ranges(places, matrices)
        output, lows = frozen_product(hidden, _wide(ctx.packed, weight_OI, hidden.dtype), bias_O, ranges)
        ctx.places = places
        ctx.save_for_backward(hidden, weight_OI if ctx.packed is None else None, *matrices, *lows)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad):
        hidden, weight_OI, *rest = ctx.saved_tensors
        grad_TO, hidden_TI = flat(grad), flat(hidden)
        count = 2 * len(ctx.places)
        ranges, lows = _ranges(ctx.places, rest[:count]), rest[count:]
        if not ctx.needs_input_grad[0]:
            return None, None, None, None, *thin_gradients(grad_TO, hidden_TI, ranges, lows)
        wide = _wide(ctx.packed, weight_OI, grad_TO.dtype)
        grad_hidden_TI, grads = frozen_gradients(grad_TO, hidden_TI, wide, ranges, lows)
        return grad_hidden_TI.view(hidden.shape), None, None, None, *grads


def _wide(packed: PackedWeight | None, weight_OI: Any, kind: torch.dtype) -> torch.Tensor:
    return weight_OI if packed is None else packed.widened(kind)


def _ranges(places: Sequence[tuple[int, int, float]], matrices: Sequence[torch.Tensor]) -> list[TokenRange]:
    pairs = zip(matrices[::2], matrices[1::2], strict=True)
    return [
        TokenRange(start, end, ThinMatrices(A, B, scaling))
        for (start, end, scaling), (A, B) in zip(places, pairs, strict=True)
    ]
