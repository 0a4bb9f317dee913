"""The compiled low-rank term equals the plain products, forward and backward, at odd sizes and for any threads."""

import pytest
import torch

from luthier.kernels import ThinMatrices, add_low_rank, low_rank_gradients
from thread_counts import threads

FORMATS = [torch.float32, torch.bfloat16]
# Tokens, inputs, outputs, rank: a single token, ranks and widths that fill no vector, more than a block of tokens.
SIZES = [(1, 64, 32, 4), (7, 32, 48, 64), (65, 34, 98, 5), (733, 100, 70, 16), (200, 96, 160, 33), (0, 32, 32, 8)]


def drawn(sizes, kind):
    """Hidden, output, gradient of it, gradient of hidden so far; and the term."""
    tokens, inputs, outputs, rank = sizes
    torch.manual_seed(0)
    wide = [torch.randn(tokens, width).to(kind) for width in (inputs, outputs, outputs, inputs)]
    return wide, ThinMatrices(torch.randn(rank, inputs) / inputs**0.5, torch.randn(outputs, rank) / rank**0.5, 0.5)


def computed(wide, thin):
    """Low, output, gradients of A, B and hidden; the inputs stay as they are."""
    hidden, output, grad, grad_hidden = wide[0], wide[1].clone(), wide[2], wide[3].clone()
    low = add_low_rank(hidden, output, thin)
    return low, output, *low_rank_gradients(grad, hidden, low, thin, grad_hidden), grad_hidden


def expected(wide, thin):
    """The same in float64, rounded only where numbers are kept."""
    kind = wide[0].dtype
    hidden, output, grad, grad_hidden = (rows.double() for rows in wide)
    A, B = (matrix.double() for matrix in thin.rounded(kind))
    low = (hidden @ A.T).to(kind).double()
    grad_low = (grad @ B).to(kind).double()
    gradients = grad_low.T @ hidden, thin.scaling * grad.T @ low, grad_hidden + grad_low @ A
    return low, output + low @ B.T, *gradients


def assert_near(ours, truth, relative):
    for left, right in zip(ours, truth, strict=True):
        assert left.shape == right.shape
        assert torch.linalg.norm(left.double() - right.double()) <= relative * torch.linalg.norm(right.double())


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("sizes", SIZES)
def test_values_and_gradients_equal_the_plain_products(sizes, kind):
    wide, thin = drawn(sizes, kind)
    assert_near(computed(wide, thin), expected(wide, thin), 1e-5 if kind is torch.float32 else 4e-3)


@pytest.mark.parametrize("kind", FORMATS)
def test_as_many_threads_give_the_same_bits_and_other_counts_differ_by_rounding(kind):
    wide, thin = drawn((733, 128, 160, 16), kind)
    with threads(1):
        alone = computed(wide, thin)
    with threads(2):
        together, again = computed(wide, thin), computed(wide, thin)
    assert all(torch.equal(left, right) for left, right in zip(together, again, strict=True))
    assert_near(together, alone, 1e-6)
    for index in (0, 1, 4):  # what belongs to a single token
        assert torch.equal(together[index], alone[index])


def test_more_threads_than_groups_of_rows_leave_no_sum_unset():
    wide, thin = drawn((9, 1024, 1024, 128), torch.float32)
    with threads(4):
        assert_near(computed(wide, thin), expected(wide, thin), 1e-5)


@pytest.mark.parametrize("kind", FORMATS)
def test_rows_may_be_strided_transposed_or_start_anywhere(kind):
    wide, thin = drawn((40, 64, 32, 6), kind)
    truth = computed([rows[3:37].contiguous() for rows in wide], thin)
    padded = [torch.nn.functional.pad(rows, (2, 6))[3:37, 2:-6] for rows in wide]
    assert_near(computed(padded, thin), truth, 1e-6)
    turned = [rows[3:37].T.contiguous().T for rows in wide]
    assert_near(computed(turned, thin), truth, 1e-6 if kind is torch.float32 else 8e-3)


def test_odd_widths_and_masters_of_another_format_are_taken_too():
    wide, thin = drawn((20, 33, 17, 3), torch.bfloat16)
    assert_near(computed(wide, thin), expected(wide, thin), 2e-2)
    rounded = ThinMatrices(thin.A_RI.bfloat16(), thin.B_OR.bfloat16().T.contiguous().T, thin.scaling)
    assert_near(computed(wide, rounded), expected(wide, thin), 2e-2)


def test_nothing_but_the_range_is_written():
    wide, thin = drawn((50, 64, 64, 8), torch.bfloat16)
    output, grad_hidden = wide[1].clone(), wide[3].clone()
    low = add_low_rank(wide[0][11:30], output[11:30], thin)
    low_rank_gradients(wide[2][11:30], wide[0][11:30], low, thin, grad_hidden[11:30])
    for now, before in ((output, wide[1]), (grad_hidden, wide[3])):
        is_same = (now == before).all(dim=1)
        assert is_same[:11].all() and is_same[30:].all() and not is_same[11:30].any()


@pytest.mark.parametrize("kind", FORMATS)
def test_the_gradient_of_hidden_can_be_left_out(kind):
    wide, thin = drawn((70, 64, 32, 16), kind)
    low, _, grad_A, grad_B, _ = computed(wide, thin)
    ours = low_rank_gradients(wide[2], wide[0], low, thin, None)
    assert torch.equal(ours[0], grad_A) and torch.equal(ours[1], grad_B)


def test_what_is_not_a_number_stays_in_its_own_row():
    wide, thin = drawn((20, 64, 32, 5), torch.bfloat16)
    wide[0][13] = float("nan")
    low, output, *_ = computed(wide, thin)
    assert low.isnan().any(dim=1).nonzero().flatten().tolist() == [13]
    assert output.isnan().any(dim=1).nonzero().flatten().tolist() == [13]
