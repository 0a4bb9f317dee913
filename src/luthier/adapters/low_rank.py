"""The product that all LoRA kinds share: a frozen matrix over all tokens plus a thin term per range of tokens.

Shapes: T tokens, I inputs, O outputs, R rank. The backward pass is written out, so that a layer costs two large
products and thin ones, with nothing copied, scaled or added in passes of its own.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch


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
        rounded, lows = [], []
        for (start, end, scaling), A_RI, B_OR in zip(places, matrices[::2], matrices[1::2], strict=True):
            # The scale is folded into the thin matrix: one rounding, and no pass over the wide output.
            A, B = A_RI.to(kind), (B_OR * scaling).to(kind)
            low = hidden_TI[start:end] @ A.T
            output_TO[start:end].addmm_(low, B.T)
            rounded += [A, B]
            lows.append(low)
        ctx.places = places
        ctx.save_for_backward(hidden_TI, weight_OI if ctx.packed is None else None, *rounded, *lows)
        return output_TO

    @staticmethod
    def backward(ctx: Any, grad_TO):
        hidden_TI, weight_OI, *rest = ctx.saved_tensors
        count = len(ctx.places)
        rounded, lows = rest[: 2 * count], rest[2 * count :]
        grad_hidden = None
        if ctx.needs_input_grad[0]:
            grad_hidden = grad_TO @ (weight_OI if ctx.packed is None else ctx.packed.widened(grad_TO.dtype))
        grads: list[torch.Tensor | None] = []
        for index, ((start, end, scaling), low) in enumerate(zip(ctx.places, lows, strict=True)):
            A, B = rounded[2 * index : 2 * index + 2]
            grad_part, hidden_part = grad_TO[start:end], hidden_TI[start:end]
            grad_low = grad_part @ B
            if grad_hidden is not None:
                grad_hidden[start:end].addmm_(grad_low, A)
            grads += [(grad_low.T @ hidden_part).float(), (grad_part.T @ low).float().mul_(scaling)]
        return grad_hidden, None, None, None, *grads
