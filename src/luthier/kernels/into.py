"""Kernels without autograd, written where the caller says: for passes that need no gradients, or write their own.

A small step would otherwise spend more time on making and wrapping tensors than on computing. Every tensor is dense, of
one number format, and passes `is_native`. Shapes: T tokens, D width, H heads, F inner width.
"""

from typing import Literal

import torch

from luthier.kernels.call import call

Activation = Literal["silu", "gelu_tanh"]
GATES: dict[Activation, int] = {"silu": 0, "gelu_tanh": 1}


def norm_into(
    hidden_TD: torch.Tensor,
    weight_D: torch.Tensor,
    output_TD: torch.Tensor,
    reciprocal_T: torch.Tensor,
    epsilon: float,
    offset: float,
) -> None:
    """`rms_norm`; ``reciprocal_T``, in float32, gets one over each row's root mean square."""
    tokens, width = hidden_TD.shape
    call("rms_norm", hidden_TD.dtype, hidden_TD, weight_D, output_TD, reciprocal_T, tokens, width, epsilon, offset)


def norm_gradient_into(
    hidden_TD: torch.Tensor,
    weight_D: torch.Tensor,
    reciprocal_T: torch.Tensor,
    grad_TD: torch.Tensor,
    output_TD: torch.Tensor,
    offset: float,
    added_TD: torch.Tensor | None = None,
) -> None:
    """Gradient of `rms_norm`'s input, plus ``added_TD``; the output may be ``grad_TD`` or ``added_TD``."""
    tokens, width = hidden_TD.shape
    inputs = (hidden_TD, weight_D, reciprocal_T, grad_TD, added_TD, output_TD)
    call("rms_norm_backward", hidden_TD.dtype, *inputs, tokens, width, offset)


def norm_weight_gradient(hidden_TD: torch.Tensor, reciprocal_T: torch.Tensor, grad_TD: torch.Tensor) -> torch.Tensor:
    """Gradient of `rms_norm`'s weight, float32 ``[D]``."""
    tokens, width = hidden_TD.shape
    sums_D = torch.zeros(width)
    call("rms_norm_weight", hidden_TD.dtype, hidden_TD, reciprocal_T, grad_TD, sums_D, tokens, width)
    return sums_D


def rotate_into(states_TX: torch.Tensor, cos_TD: torch.Tensor, sin_TD: torch.Tensor, output_TX: torch.Tensor) -> None:
    """`rotate` for rows that hold all heads one behind the other, ``X = H * D``."""
    tokens, width = cos_TD.shape
    steps = (states_TX.stride(0), width, 0)
    heads = states_TX.shape[1] // width
    call("rotate", states_TX.dtype, states_TX, cos_TD, sin_TD, output_TX, tokens, heads, width, *steps)


def turn_heads_into(
    states_TX: torch.Tensor,
    weight_D: torch.Tensor | None,
    turns_TD: tuple[torch.Tensor, torch.Tensor],
    output_TX: torch.Tensor,
    reciprocal_TH: torch.Tensor | None,
    epsilon: float = 0.0,
    offset: float = 0.0,
) -> None:
    """`rms_norm` of each head, where there is a weight, and `rotate` by cosines and sines, in one pass.

    The output may be ``states_TX``.
    """
    tokens, width = turns_TD[0].shape
    sizes = (tokens, states_TX.shape[1] // width, width, epsilon, offset)
    call("turn_heads", states_TX.dtype, states_TX, weight_D, *turns_TD, output_TX, reciprocal_TH, *sizes)


def turn_heads_gradient_into(
    states_TX: torch.Tensor | None,
    weight_D: torch.Tensor | None,
    reciprocal_TH: torch.Tensor | None,
    turns_TD: tuple[torch.Tensor, torch.Tensor],
    grad_TX: torch.Tensor,
    output_TX: torch.Tensor,
    offset: float = 0.0,
) -> None:
    """Gradient of `turn_heads_into`'s states; without a weight that of the turn alone, which needs no states."""
    tokens, width = turns_TD[0].shape
    inputs = (states_TX, weight_D, reciprocal_TH, *turns_TD, grad_TX, output_TX)
    call("turn_heads_backward", grad_TX.dtype, *inputs, tokens, grad_TX.shape[1] // width, width, offset)


def gate_into(gate_TF: torch.Tensor, up_TF: torch.Tensor, output_TF: torch.Tensor, activation: Activation) -> None:
    """`gated`; the output may be one of the inputs."""
    call("gated", gate_TF.dtype, gate_TF, up_TF, output_TF, gate_TF.numel(), GATES[activation])


def gate_gradients_into(
    gate_TF: torch.Tensor,
    up_TF: torch.Tensor,
    grad_TF: torch.Tensor,
    grad_gate_TF: torch.Tensor,
    grad_up_TF: torch.Tensor,
    activation: Activation,
) -> None:
    """Gradients of both inputs of `gated`; one of them may be written over ``grad_TF``."""
    inputs = (gate_TF, up_TF, grad_TF, grad_gate_TF, grad_up_TF)
    call("gated_backward", gate_TF.dtype, *inputs, gate_TF.numel(), GATES[activation])


def add_served_at(address: int, count: int, hidden_TI: torch.Tensor, output_TO: torch.Tensor) -> None:
    """`add_served` for terms that lie ready at ``address``: five int64 each, as the kernel reads them."""
    places = (hidden_TI, hidden_TI.stride(0), output_TO, output_TO.stride(0), address)
    call("served_low_rank", hidden_TI.dtype, *places, count, hidden_TI.shape[1], output_TO.shape[1])
