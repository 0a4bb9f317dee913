"""A frozen matrix with terms beside it: values and gradients equal the plain products in every number format."""

import pytest
import torch

from luthier.kernels import ThinMatrices, TokenRange, frozen_gradients, frozen_linear, frozen_product, thin_gradients

FORMATS = [torch.float32, torch.bfloat16]


def drawn(kind, ranks, *, transposed=False):
    torch.manual_seed(0)
    hidden, grad, weight = (torch.randn(shape).to(kind) for shape in ((90, 64), (90, 130), (130, 64)))
    ranges = []
    for number, rank in enumerate(ranks):
        A, B = torch.randn(rank, 64) / 8, torch.randn(130, rank) / rank
        # The same numbers, but not as a kernel can read them.
        A = A.T.contiguous().T if transposed else A
        ranges.append(TokenRange(10 + 40 * number, 45 + 40 * number, ThinMatrices(A, B, 0.5)))
    return hidden, grad, weight, ranges


def expected(hidden, grad, weight, ranges):
    """In float64, rounded only where numbers are kept."""
    kind = hidden.dtype
    x, dy, W = hidden.double(), grad.double(), weight.double()
    output, grad_hidden, grads = x @ W.T, dy @ W, []
    for each in ranges:
        A, B = (matrix.double() for matrix in each.thin.rounded(kind))
        low = (x[each.start : each.end] @ A.T).to(kind).double()
        grad_low = (dy[each.start : each.end] @ B).to(kind).double()
        output[each.start : each.end] += low @ B.T
        grad_hidden[each.start : each.end] += grad_low @ A
        grads += [grad_low.T @ x[each.start : each.end], each.thin.scaling * dy[each.start : each.end].T @ low]
    return output, grad_hidden, grads


def assert_near(ours, truth, relative):
    assert ours.shape == truth.shape
    assert torch.linalg.norm(ours.double() - truth) <= relative * torch.linalg.norm(truth)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    ("ranks", "transposed"),
    [((), False), ((8,), False), ((4, 16), False), ((5, 3), False), ((8,), True)],
    ids=["no term", "one", "two", "odd ranks", "a master that is not dense"],
)
def test_values_and_gradients_equal_the_plain_products(kind, ranks, transposed):
    hidden, grad, weight, ranges = drawn(kind, ranks, transposed=transposed)
    output, lows = frozen_product(hidden, weight, None, ranges)
    grad_hidden, grads = frozen_gradients(grad, hidden, weight, ranges, lows)
    true_output, true_grad_hidden, true_grads = expected(hidden, grad, weight, ranges)
    relative = 1e-5 if kind is torch.float32 else 5e-3
    for ours, truth in zip([output, grad_hidden, *grads], [true_output, true_grad_hidden, *true_grads], strict=True):
        assert_near(ours, truth, relative)
    alone = thin_gradients(grad, hidden, ranges, lows)
    assert all(torch.equal(left, right) for left, right in zip(alone, grads, strict=True))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_frozen_layer_is_differentiated_by_what_goes_in(kind):
    hidden, grad, weight, _ = drawn(kind, ())
    bias = torch.randn(130).to(kind)
    hidden = hidden.view(2, 45, 64).requires_grad_()
    output = frozen_linear(hidden, weight, bias)
    output.backward(grad.view_as(output))
    assert_near(output, hidden.double() @ weight.double().T + bias.double(), 5e-3)
    assert hidden.grad is not None
    assert_near(hidden.grad, grad.view(2, 45, 130).double() @ weight.double(), 5e-3)


def test_a_layer_that_learns_stays_torchs_own():
    hidden, grad, weight, _ = drawn(torch.bfloat16, ())
    weight.requires_grad_()
    frozen_linear(hidden, weight, None).backward(grad)
    ours, weight.grad = weight.grad, None
    torch.nn.functional.linear(hidden, weight).backward(grad)
    assert torch.equal(ours, weight.grad)
