"""Gated units, ``act(gate) * up`` (Shazeer 2020, arXiv:2002.05202), without keeping what lies between."""

from typing import Any

import torch

from luthier.kernels.call import is_native
from luthier.kernels.into import Activation, gate_gradients_into, gate_into


def gated(gate: torch.Tensor, up: torch.Tensor, activation: Activation) -> torch.Tensor:
    """Of the shape of both inputs; worked out in float32 and rounded once."""
    if is_native(gate) and gate.dtype == up.dtype:
        output = _Gated.apply(gate, up, activation)
        assert isinstance(output, torch.Tensor)
        return output
    if activation == "silu":
        return torch.nn.functional.silu(gate) * up
    return torch.nn.functional.gelu(gate, approximate="tanh") * up


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate, up, activation):
        gate, up = gate.contiguous(), up.contiguous()
        output = torch.empty_like(gate)
        gate_into(gate, up, output, activation)
        ctx.activation = activation
        ctx.save_for_backward(gate, up)
        return output

    @staticmethod
    def backward(ctx: Any, grad):
        gate, up = ctx.saved_tensors
        grad_gate, grad_up = torch.empty_like(gate), torch.empty_like(up)
        gate_gradients_into(gate, up, grad.contiguous(), grad_gate, grad_up, ctx.activation)
        return grad_gate, grad_up, None
