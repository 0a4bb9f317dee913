"""The product that all LoRA kinds share: a frozen matrix over all tokens plus a thin term per range of tokens.

Shapes: T tokens, I inputs, O outputs. The backward pass is written out, so that a layer costs two large products and
thin ones, with nothing copied, scaled or added in passes of its own.
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from luthier.kernels import LinearParts, flat, frozen_product

# The matrix and its bias stay as they are.
FROZEN = (False, False)


def low_rank_linear(hidden: torch.Tensor, parts: LinearParts) -> torch.Tensor:
    """``x W^T + b`` with the terms added; ``hidden`` is ``[..., I]``, its leading dimensions count as T tokens.

    A packed weight is widened for the product and once more for the backward pass, so that no wide copy is kept.
    """
    output = _LowRankLinear.apply(hidden, parts, *parts.thin_tensors)
    assert isinstance(output, torch.Tensor)
    return output


class _LowRankLinear(torch.autograd.Function):
    """Hu et al. 2021 (arXiv:2106.09685, eq. 3). The frozen weight gets no gradient.

    Flattens within: outside, each view would be one more step of autograd, forward and backward.
    """

    @staticmethod
    def forward(ctx: Any, hidden, parts, *matrices):
        output, lows = frozen_product(hidden, parts.wide(hidden.dtype), parts.bias_O, parts.ranges)
        ctx.parts = parts
        ctx.save_for_backward(hidden, *lows)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad):
        hidden, *lows = ctx.saved_tensors
        grad_TO, hidden_TI = flat(grad), flat(hidden)
        if not ctx.needs_input_grad[0]:
            return None, None, *ctx.parts.gradients(grad_TO, hidden_TI, lows, FROZEN)[2:]
        grad_hidden_TI, grads = ctx.parts.gradients_with_hidden(grad_TO, hidden_TI, lows, FROZEN)
        return grad_hidden_TI.view(hidden.shape), None, *grads[2:]
