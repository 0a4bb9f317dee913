"""The compiled rotation equals Transformers' formula, forward and backward, whatever the strides."""

import pytest
import torch

from luthier.kernels import can_rotate, rotate


def plain(states, cos, sin):
    half = states.shape[-1] // 2
    turned = torch.cat((-states[..., half:], states[..., :half]), dim=-1)
    return states * cos[:, None] + turned * sin[:, None]


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("is_transposed", [True, False])
def test_values_and_gradients_equal_the_plain_formula(kind, is_transposed):
    torch.manual_seed(0)
    tolerance = 1e-6 if kind is torch.float32 else 3e-2
    states = torch.randn(1, 90, 3, 16).transpose(1, 2) if is_transposed else torch.randn(1, 3, 90, 16)
    states = states.to(kind).requires_grad_()
    cos, sin = (torch.randn(1, 90, 16).to(kind) for _ in range(2))
    pull = torch.randn(1, 3, 90, 16).to(kind)
    ours, expected = rotate(states, cos, sin), plain(states, cos, sin)
    torch.testing.assert_close(ours, expected, rtol=tolerance, atol=tolerance)
    for given in (pull, pull.transpose(1, 3).contiguous().transpose(1, 3)):
        left = torch.autograd.grad(ours, states, given, retain_graph=True)[0]
        right = torch.autograd.grad(expected, states, given, retain_graph=True)[0]
        torch.testing.assert_close(left, right, rtol=tolerance, atol=tolerance)


def test_several_rows_partial_heads_and_mixed_formats_are_left_to_others():
    cos = torch.randn(1, 5, 16)
    assert can_rotate(torch.randn(1, 3, 5, 16), cos)
    assert not can_rotate(torch.randn(2, 3, 5, 16), cos)
    assert not can_rotate(torch.randn(1, 3, 5, 32), cos)
    assert not can_rotate(torch.randn(1, 3, 5, 16).bfloat16(), cos)
