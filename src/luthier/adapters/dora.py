"""DoRA: the length of each row of an adapted weight is trained apart from its direction (Liu et al. 2024,
arXiv:2402.09353, eq. 5). As section 4.3 there and PEFT have it, the norm that divides counts as a constant.

Shapes: T tokens, I inputs, O outputs, R rank.
"""

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Gain:
    """Outputs of tokens ``start..end-1`` are multiplied by ``gain_O`` (float32) before the bias is added."""

    start: int
    end: int
    gain_O: torch.Tensor


@torch.no_grad()
def row_squares(weight_OI: torch.Tensor) -> torch.Tensor:
    """Squared length of each row, float32 ``[O]``."""
    return torch.linalg.vector_norm(weight_OI, dim=1, dtype=torch.float32).square()


@torch.no_grad()
def adapted_row_norms(
    squares_O: torch.Tensor, weight_OI: torch.Tensor, scaling: float, A_RI: torch.Tensor, B_OR: torch.Tensor
) -> torch.Tensor:
    """Lengths of the rows of ``W + scaling * B A``, float32 ``[O]``.

    Multiplied out, so that the sum is never formed: |w|² + 2 s (W Aᵀ · B) + s² (B A Aᵀ · B). Exact at B = 0.
    """
    cross_O = ((weight_OI @ A_RI.to(weight_OI.dtype).T).float() * B_OR).sum(1)
    update_O = ((B_OR @ (A_RI @ A_RI.T)) * B_OR).sum(1)
    return (squares_O + 2 * scaling * cross_O + scaling**2 * update_O).clamp_min(0).sqrt()


def multiplied(plain: torch.Tensor, bias_O: torch.Tensor | None, gains: tuple[Gain, ...]) -> torch.Tensor:
    """``gain * plain + bias`` on each gain's tokens, ``plain + bias`` elsewhere; ``plain`` is ``[..., O]``."""
    flat_TO = plain.reshape(-1, plain.shape[-1])
    places = tuple((gain.start, gain.end) for gain in gains)
    output = _Multiplied.apply(flat_TO, bias_O, places, *(gain.gain_O for gain in gains))
    assert isinstance(output, torch.Tensor)
    return output.view(plain.shape)


class _Multiplied(torch.autograd.Function):
    """One pass over the wide output each way; a gain of exactly 1 changes nothing."""

    @staticmethod
    def forward(ctx: Any, plain_TO, bias_O, places, *gains):
        output_TO = plain_TO.clone()
        for (start, end), gain_O in zip(places, gains, strict=True):
            output_TO[start:end].mul_(gain_O)
        if bias_O is not None:
            output_TO += bias_O
        ctx.places = places
        ctx.save_for_backward(plain_TO, *gains)
        return output_TO

    @staticmethod
    def backward(ctx: Any, grad_TO):
        plain_TO, *gains = ctx.saved_tensors
        grad_plain = grad_TO.clone() if ctx.needs_input_grad[0] else None
        grads = []
        for (start, end), gain_O in zip(ctx.places, gains, strict=True):
            grads.append((grad_TO[start:end] * plain_TO[start:end]).sum(0, dtype=torch.float32))
            if grad_plain is not None:
                grad_plain[start:end].mul_(gain_O)
        return grad_plain, None, None, *grads
