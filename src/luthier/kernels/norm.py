"""Root-mean-square normalisation (Zhang & Sennrich 2019, arXiv:1910.07467) in one pass forward and one backward."""

from typing import Any

import torch

from luthier.kernels.call import call, is_native


def rms_norm(hidden: torch.Tensor, weight_D: torch.Tensor, epsilon: float, offset: float) -> torch.Tensor:
    """``x / rms(x) * (offset + w)`` over the last dimension, worked out in float32 and rounded once."""
    if is_native(hidden) and weight_D.dtype == hidden.dtype:
        output = _RmsNorm.apply(hidden, weight_D, epsilon, offset)
        assert isinstance(output, torch.Tensor)
        return output
    wide = hidden.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + epsilon)
    return (wide * (offset + weight_D.float())).to(hidden.dtype)


class _RmsNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden, weight_D, epsilon, offset):
        hidden = hidden.contiguous()
        width = hidden.shape[-1]
        rows = hidden.numel() // width
        output, reciprocal_R = torch.empty_like(hidden), torch.empty(rows)
        call("rms_norm", hidden.dtype, hidden, weight_D, output, reciprocal_R, rows, width, epsilon, offset)
        ctx.offset = offset
        ctx.save_for_backward(hidden, weight_D, reciprocal_R)
        return output

    @staticmethod
    def backward(ctx: Any, grad):
        hidden, weight_D, reciprocal_R = ctx.saved_tensors
        grad = grad.contiguous()
        rows, width = len(reciprocal_R), hidden.shape[-1]
        grad_hidden = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_hidden = torch.empty_like(hidden)
            inputs = (hidden, weight_D, reciprocal_R, grad, grad_hidden)
            call("rms_norm_backward", hidden.dtype, *inputs, rows, width, ctx.offset)
        if ctx.needs_input_grad[1]:
            sums_D = torch.zeros(width)
            call("rms_norm_weight", hidden.dtype, hidden, reciprocal_R, grad, sums_D, rows, width)
            grad_weight = sums_D.to(weight_D.dtype)
        return grad_hidden, grad_weight, None, None
