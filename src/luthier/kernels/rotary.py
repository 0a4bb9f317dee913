"""Rotary positions (Su et al. 2021, arXiv:2104.09864) in the layout of two halves, for queries and keys."""

from typing import Any

import torch

from luthier.kernels.call import call, is_native


def can_rotate(states_BHTD: torch.Tensor, cos_BTD: torch.Tensor) -> bool:
    """Whether `rotate` can take these: one row, whole heads, the same number format throughout."""
    return (
        is_native(states_BHTD)
        and states_BHTD.dtype == cos_BTD.dtype
        and states_BHTD.shape[0] == 1
        and states_BHTD.stride(-1) == 1
        and cos_BTD.shape == (1, states_BHTD.shape[2], states_BHTD.shape[3])
    )


def rotate(states_BHTD: torch.Tensor, cos_BTD: torch.Tensor, sin_BTD: torch.Tensor) -> torch.Tensor:
    """``x cos + rotate_half(x) sin`` as ``[1, H, T, D]``, laid out token by token."""
    if not can_rotate(states_BHTD, cos_BTD):
        first, second = states_BHTD.chunk(2, dim=-1)
        return states_BHTD * cos_BTD[:, None] + torch.cat((-second, first), dim=-1) * sin_BTD[:, None]
    output = _Rotate.apply(states_BHTD, cos_BTD, sin_BTD)
    assert isinstance(output, torch.Tensor)
    return output


class _Rotate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states_BHTD, cos_BTD, sin_BTD):
        ctx.save_for_backward(cos_BTD.contiguous(), sin_BTD.contiguous())
        return _turn(states_BHTD, *ctx.to_save, is_backward=False)

    @staticmethod
    def backward(ctx: Any, grad_BHTD):
        if grad_BHTD.stride(-1) != 1:
            grad_BHTD = grad_BHTD.contiguous()
        return _turn(grad_BHTD, *ctx.saved_tensors, is_backward=True), None, None


def _turn(states_BHTD, cos_BTD, sin_BTD, *, is_backward: bool) -> torch.Tensor:
    _, heads, tokens, width = states_BHTD.shape
    output_THD = torch.empty(tokens, heads, width, dtype=states_BHTD.dtype)
    strides = (states_BHTD.stride(2), states_BHTD.stride(1))
    inputs = (states_BHTD, cos_BTD, sin_BTD, output_THD)
    call("rotate", states_BHTD.dtype, *inputs, tokens, heads, width, *strides, int(is_backward))
    return output_THD.transpose(0, 1)[None]
