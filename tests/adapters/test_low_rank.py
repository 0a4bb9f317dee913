"""The written-out product against autograd's, in float64."""

import torch

from luthier.adapters.low_rank import low_rank_linear
from luthier.kernels import LinearParts, ThinMatrices, TokenRange


def term_of(start, end, scaling, A, B):
    return TokenRange(start, end, ThinMatrices(A, B, scaling))


def test_values_and_gradients_are_those_of_autograd():
    torch.manual_seed(0)
    hidden = torch.randn(2, 4, 5, dtype=torch.float64, requires_grad=True)
    weight, bias = torch.randn(6, 5, dtype=torch.float64), torch.randn(6, dtype=torch.float64)
    matrices = [
        torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((3, 5), (6, 3), (1, 5), (6, 1))
    ]
    first, second = term_of(0, 3, 0.5, *matrices[:2]), term_of(5, 7, 2.0, *matrices[2:])
    ours = low_rank_linear(hidden, LinearParts(weight, bias, (first, second)))
    flat = hidden.view(8, 5)
    parts = [torch.zeros(8, 6, dtype=torch.float64) for _ in range(2)]
    for part, term in zip(parts, (first, second), strict=True):
        part[term.start : term.end] = (
            term.thin.scaling * flat[term.start : term.end] @ term.thin.A_RI.T @ term.thin.B_OR.T
        )
    truth = (flat @ weight.T + bias + parts[0] + parts[1]).view(2, 4, 6)
    torch.testing.assert_close(ours, truth)
    direction = torch.randn_like(truth)
    expected = torch.autograd.grad(truth, (hidden, *matrices), direction)
    gradients = torch.autograd.grad(ours, (hidden, *matrices), direction)
    torch.testing.assert_close(gradients, expected, check_dtype=False, rtol=1e-6, atol=1e-6)


def test_terms_of_several_ranges_train_as_in_plain_products_whatever_serves_them():
    """Compiled kernels take float32; an empty range trains nothing, and tokens between ranges stay with the base."""
    torch.manual_seed(0)
    hidden, weight = torch.randn(90, 34, requires_grad=True), torch.randn(48, 34)
    matrices = [torch.randn(*shape, requires_grad=True) for rank in (3, 16, 4) for shape in ((rank, 34), (48, rank))]
    places = ((5, 40, 0.5), (40, 40, 1.0), (51, 90, 2.0))
    terms = tuple(term_of(*place, *matrices[2 * i : 2 * i + 2]) for i, place in enumerate(places))
    ours = low_rank_linear(hidden, LinearParts(weight, None, terms))
    truth = (hidden @ weight.T).clone()
    for term in terms:
        part = hidden[term.start : term.end]
        truth[term.start : term.end] += term.thin.scaling * part @ term.thin.A_RI.T @ term.thin.B_OR.T
    torch.testing.assert_close(ours, truth, rtol=1e-5, atol=1e-4)
    direction = torch.randn(48, 90).T
    expected = torch.autograd.grad(truth, (hidden, *matrices), direction)
    gradients = torch.autograd.grad(ours, (hidden, *matrices), direction)
    for left, right in zip(gradients, expected, strict=True):
        assert torch.linalg.norm(left - right) <= 1e-5 * torch.linalg.norm(right)
