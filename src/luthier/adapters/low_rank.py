"""The product that all LoRA kinds share: a frozen matrix over all tokens plus a thin term per range of tokens.

Shapes: T tokens, I inputs, O outputs, R rank. The backward pass is written out, so that a layer costs two large
products and thin ones, with nothing copied, scaled or added in passes of its own.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.autograd.function import once_differentiable

from luthier.kernels import ThinMatrices, add_low_rank, low_rank_gradients


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
    flat_TI = hidden.reshape(-1, hidden.shape[-1])
    places = tuple((term.start, term.end, term.scaling) for term in terms)
    matrices = [matrix for term in terms for matrix in (term.A_RI, term.B_OR)]
    output = _LowRankLinear.apply(flat_TI, weight_OI, bias_O, places, *matrices)
    assert isinstance(output, torch.Tensor)
    return output.view(*hidden.shape[:-1], -1)


class _LowRankLinear(torch.autograd.Function):
    """Hu et al. 2021 (arXiv:2106.09685, eq. 3). The frozen weight gets no gradient."""

    @staticmethod
    def forward(ctx: Any, hidden_TI, weight_OI, bias_O, places, *matrices):
        kind = hidden_TI.dtype
        ctx.packed = None if isinstance(weight_OI, torch.Tensor) else weight_OI
        wide_OI = weight_OI if ctx.packed is None else ctx.packed.widened(kind)
        output_TO = torch.nn.functional.linear(hidden_TI, wide_OI, bias_O)
        pairs = zip(matrices[::2], matrices[1::2], strict=True)
        lows = [
            add_low_rank(hidden_TI[start:end], output_TO[start:end], ThinMatrices(A, B, scaling))
            for (start, end, scaling), (A, B) in zip(places, pairs, strict=True)
        ]
        ctx.places = places
        ctx.save_for_backward(hidden_TI, weight_OI if ctx.packed is None else None, *matrices, *lows)
        return output_TO

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_TO):
        hidden_TI, weight_OI, *rest = ctx.saved_tensors
        count = len(ctx.places)
        matrices, lows = rest[: 2 * count], rest[2 * count :]
        grad_hidden = None
        if ctx.needs_input_grad[0]:
            grad_hidden = grad_TO @ (weight_OI if ctx.packed is None else ctx.packed.widened(grad_TO.dtype))
        grads: list[torch.Tensor] = []
        for index, ((start, end, scaling), low) in enumerate(zip(ctx.places, lows, strict=True)):
            thin = ThinMatrices(matrices[2 * index], matrices[2 * index + 1], scaling)
            hidden_part = None if grad_hidden is None else grad_hidden[start:end]
            grads += low_rank_gradients(grad_TO[start:end], hidden_TI[start:end], low, thin, hidden_part)
        return grad_hidden, None, None, None, *grads
