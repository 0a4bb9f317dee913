"""The compiled normalisation equals torch's own operations, forward and backward."""

import pytest
import torch

from luthier.kernels import open_kernels, rms_norm


def plain(hidden, weight, epsilon, offset):
    wide = hidden.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + epsilon)
    return (wide * (offset + weight.float())).to(hidden.dtype)


@pytest.mark.parametrize("offset", [0.0, 1.0])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(3, 8), (1, 70, 33), (1, 700, 4, 64)])
def test_values_and_gradients_equal_the_plain_formula(shape, kind, offset):
    torch.manual_seed(0)
    tolerance = 1e-5 if kind is torch.float32 else 2e-2
    hidden = torch.randn(shape).to(kind).requires_grad_()
    weight = torch.rand(shape[-1]).to(kind).requires_grad_()
    pull = torch.randn(shape).to(kind)
    ours, expected = rms_norm(hidden, weight, 1e-6, offset), plain(hidden, weight, 1e-6, offset)
    torch.testing.assert_close(ours, expected, rtol=tolerance, atol=tolerance)
    for left, right in zip(
        torch.autograd.grad(ours, [hidden, weight], pull),
        torch.autograd.grad(expected, [hidden, weight], pull),
        strict=True,
    ):
        torch.testing.assert_close(left, right, rtol=tolerance, atol=tolerance * float(right.abs().max()))


def test_kernels_are_in_use_where_a_compiler_is():
    assert open_kernels().library is not None, open_kernels().reason


def test_an_input_that_is_not_dense_is_read_right():
    hidden = torch.randn(8, 6).T
    weight = torch.rand(8)
    torch.testing.assert_close(rms_norm(hidden, weight, 1e-6, 0.0), plain(hidden, weight, 1e-6, 0.0))
