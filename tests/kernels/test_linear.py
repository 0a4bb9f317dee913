"""A linear layer's own passes equal autograd's, whatever of it is trained."""

import pytest
import torch

from luthier.kernels import LinearParts, ThinMatrices, TokenRange

TOKENS, INPUTS, OUTPUTS = 24, 10, 6


class Halved:
    """A packed weight that is widened by doubling."""

    def __init__(self, weight):
        self.half = weight / 2

    def widened(self, kind):
        return (2 * self.half).to(kind)


def drawn(*, has_bias=True):
    torch.manual_seed(0)
    A, B = torch.randn(4, INPUTS, requires_grad=True), torch.randn(OUTPUTS, 4, requires_grad=True)
    weight, bias = torch.randn(OUTPUTS, INPUTS, requires_grad=True), torch.randn(OUTPUTS, requires_grad=True)
    parts = LinearParts(weight, bias if has_bias else None, (TokenRange(3, 20, ThinMatrices(A, B, 0.5)),))
    return parts, torch.randn(TOKENS, INPUTS, requires_grad=True), torch.randn(TOKENS, OUTPUTS)


def plain(parts, hidden):
    output = torch.nn.functional.linear(hidden, parts.weight_OI, parts.bias_O)
    (term,) = parts.ranges
    rows = hidden[term.start : term.end] @ term.thin.A_RI.T @ term.thin.B_OR.T * term.thin.scaling
    return output + torch.nn.functional.pad(rows, (0, 0, term.start, TOKENS - term.end))


@pytest.mark.parametrize("has_bias", [True, False])
def test_values_and_gradients_of_all_parts(has_bias):
    parts, hidden, grad = drawn(has_bias=has_bias)
    expected = plain(parts, hidden)
    trained = [tensor for tensor in parts.tensors if tensor is not None]
    truth = torch.autograd.grad(expected, [hidden, *trained], grad)
    with torch.no_grad():
        output, lows = parts.product(hidden)
        torch.testing.assert_close(output, expected)
        torch.testing.assert_close(parts.product(hidden, grad)[0], expected + grad)
        needs = [tensor is not None for tensor in parts.tensors]
        grad_hidden, grads = parts.gradients_with_hidden(grad, hidden, lows, needs)
        added, _ = parts.gradients_with_hidden(grad, hidden, lows, needs, hidden.clone())
        alone = parts.gradients(grad, hidden, lows, needs)
    torch.testing.assert_close([grad_hidden, *(x for x in grads if x is not None)], list(truth))
    torch.testing.assert_close(added, truth[0] + hidden)
    torch.testing.assert_close([x for x in alone if x is not None], list(truth[1:]))


def test_what_is_frozen_gets_no_gradient():
    parts, hidden, grad = drawn()
    with torch.no_grad():
        _, lows = parts.product(hidden)
        found = parts.gradients(grad, hidden, lows, (False, False, True, True))
    assert found[:2] == [None, None] and len(found) == 4


def test_a_packed_weight_is_widened_for_both_passes():
    parts, hidden, grad = drawn()
    packed = LinearParts(Halved(parts.weight_OI.detach()), parts.bias_O, parts.ranges)
    assert packed.tensors[0] is None
    with torch.no_grad():
        output, lows = packed.product(hidden)
        torch.testing.assert_close(output, plain(parts, hidden))
        needs = (False, False, True, True)
        ours, theirs = (each.gradients_with_hidden(grad, hidden, lows, needs)[0] for each in (packed, parts))
    torch.testing.assert_close(ours, theirs)
