"""The compiled gated units equal torch's own, forward and backward, over the whole range of the gate."""

import pytest
import torch

from luthier.kernels import gated

PLAIN = {
    "silu": torch.nn.functional.silu,
    "gelu_tanh": lambda gate: torch.nn.functional.gelu(gate, approximate="tanh"),
}


@pytest.mark.parametrize("activation", sorted(PLAIN))
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_values_and_gradients_equal_torch(kind, activation):
    torch.manual_seed(0)
    tolerance = 2e-5 if kind is torch.float32 else 2e-2
    gate = torch.linspace(-30, 30, 997).to(kind).requires_grad_()
    up = torch.randn(997).to(kind).requires_grad_()
    pull = torch.randn(997).to(kind)
    ours, expected = gated(gate, up, activation), PLAIN[activation](gate) * up
    torch.testing.assert_close(ours, expected, rtol=tolerance, atol=tolerance)
    for left, right in zip(
        torch.autograd.grad(ours, [gate, up], pull), torch.autograd.grad(expected, [gate, up], pull), strict=True
    ):
        torch.testing.assert_close(left, right, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("activation", sorted(PLAIN))
def test_nothing_is_swallowed_at_the_far_ends(activation):
    gate = torch.tensor([-1e30, -300.0, 300.0, 1e30, float("nan")])
    ours = gated(gate, torch.ones(5), activation)
    torch.testing.assert_close(ours, torch.tensor([0.0, 0.0, 300.0, 1e30, float("nan")]), equal_nan=True)
