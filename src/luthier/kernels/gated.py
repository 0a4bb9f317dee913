"""Gated units, ``act(gate) * up`` (Shazeer 2020, arXiv:2002.05202), without keeping what lies between."""

from typing import Any, Literal

import torch

from luthier.kernels.call import call, is_native

Activation = Literal["silu", "gelu_tanh"]
NUMBERS: dict[Activation, int] = {"silu": 0, "gelu_tanh": 1}


def gated(gate: torch.Tensor, up: torch.Tensor, activation: Activation) -> torch.Tensor:
    """Of the shape of both inputs; worked out in float32 and rounded once."""
    if is_native(gate) and gate.dtype == up.dtype:
        output = _Gated.apply(gate, up, NUMBERS[activation])
        assert isinstance(output, torch.Tensor)
        return output
    if activation == "silu":
        return torch.nn.functional.silu(gate) * up
    return torch.nn.functional.gelu(gate, approximate="tanh") * up


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate, up, number):
        gate, up = gate.contiguous(), up.contiguous()
        output = torch.empty_like(gate)
        call("gated", gate.dtype, gate, up, output, gate.numel(), number)
        ctx.number = number
        ctx.save_for_backward(gate, up)
        return output

    @staticmethod
    def backward(ctx: Any, grad):
        gate, up = ctx.saved_tensors
        grad_gate, grad_up = torch.empty_like(gate), torch.empty_like(up)
        inputs = (gate, up, grad.contiguous(), grad_gate, grad_up)
        call("gated_backward", gate.dtype, *inputs, gate.numel(), ctx.number)
        return grad_gate, grad_up, None
