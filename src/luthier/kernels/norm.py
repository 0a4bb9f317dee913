"""Root-mean-square normalisation (Zhang & Sennrich 2019, arXiv:1910.07467) in one pass forward and one backward."""

from typing import Any

import torch

from luthier.kernels.call import is_native
from luthier.kernels.into import norm_gradient_into, norm_into, norm_weight_gradient


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
        rows = hidden.view(-1, hidden.shape[-1])
        output, reciprocal_R = torch.empty_like(hidden), torch.empty(len(rows))
        norm_into(rows, weight_D, output, reciprocal_R, epsilon, offset)
        ctx.offset = offset
        ctx.save_for_backward(hidden, weight_D, reciprocal_R)
        return output

    @staticmethod
    def backward(ctx: Any, grad):
        hidden, weight_D, reciprocal_R = ctx.saved_tensors
        grad = grad.contiguous()
        rows = hidden.view(-1, hidden.shape[-1])
        grad_hidden = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_hidden = torch.empty_like(hidden)
            norm_gradient_into(rows, weight_D, reciprocal_R, grad, grad_hidden, ctx.offset)
        if ctx.needs_input_grad[1]:
            grad_weight = norm_weight_gradient(rows, reciprocal_R, grad).to(weight_D.dtype)
        return grad_hidden, grad_weight, None, None
