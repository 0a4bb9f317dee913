"""Kernels for passes that need no gradients, written where the caller says: a small step would otherwise spend more
time on making and wrapping tensors than on computing.

Every tensor is dense, of one number format, and passes `is_native`. Shapes: T tokens, D width, H heads, F inner width.
"""

import torch

from luthier.kernels.call import call
from luthier.kernels.gated import NUMBERS, Activation


def norm_into(
    hidden_TD: torch.Tensor,
    weight_D: torch.Tensor,
    output_TD: torch.Tensor,
    room_T: torch.Tensor,
    epsilon: float,
    offset: float,
) -> None:
    """`rms_norm`; ``room_T`` is float32 and holds nothing that is wanted."""
    tokens, width = hidden_TD.shape
    call("rms_norm", hidden_TD.dtype, hidden_TD, weight_D, output_TD, room_T, tokens, width, epsilon, offset)


def rotate_into(states_TX: torch.Tensor, cos_TD: torch.Tensor, sin_TD: torch.Tensor, output_TX: torch.Tensor) -> None:
    """`rotate` for rows that hold all heads one behind the other, ``X = H * D``."""
    tokens, width = cos_TD.shape
    steps = (states_TX.stride(0), width, 0)
    heads = states_TX.shape[1] // width
    call("rotate", states_TX.dtype, states_TX, cos_TD, sin_TD, output_TX, tokens, heads, width, *steps)


def gate_into(gate_TF: torch.Tensor, up_TF: torch.Tensor, output_TF: torch.Tensor, activation: Activation) -> None:
    """`gated`; the output may be one of the inputs."""
    call("gated", gate_TF.dtype, gate_TF, up_TF, output_TF, gate_TF.numel(), NUMBERS[activation])


def add_served_at(address: int, count: int, hidden_TI: torch.Tensor, output_TO: torch.Tensor) -> None:
    """`add_served` for terms that lie ready at ``address``: five int64 each, as the kernel reads them."""
    places = (hidden_TI, hidden_TI.stride(0), output_TO, output_TO.stride(0), address)
    call("served_low_rank", hidden_TI.dtype, *places, count, hidden_TI.shape[1], output_TO.shape[1])
