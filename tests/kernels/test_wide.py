"""Compiled products with large matrices equal plain ones; a row has the same bits in any company."""

import pytest
import torch

from luthier.kernels import NarrowTerm, can_multiply, multiply_across, multiply_along, offers_products
from luthier.kernels.wide import LEAST_ROWS
from thread_counts import threads

compiled = pytest.mark.skipif(not offers_products(), reason="no compiled products on this processor")
# Tokens, inputs, outputs: tails of tiles, of 64 outputs and of 16 units; more than one packing deep both ways.
SIZES = [(16, 32, 64), (97, 66, 130), (23, 2500, 34), (41, 34, 2500), (200, 128, 66), (613, 256, 192), (1, 32, 32)]


def drawn(sizes):
    tokens, inputs, outputs = sizes
    torch.manual_seed(0)
    shapes = (tokens, inputs), (tokens, outputs), (outputs, inputs), (outputs,)
    return [torch.randn(shape).bfloat16() for shape in shapes]


def assert_near(ours, truth, relative=4e-3):
    assert ours.shape == truth.shape and ours.dtype == torch.bfloat16
    assert torch.linalg.norm(ours.double() - truth) <= relative * torch.linalg.norm(truth)


@pytest.mark.parametrize("sizes", SIZES)
def test_both_directions_equal_the_plain_products(sizes):
    hidden, grad, weight, bias = drawn(sizes)
    assert can_multiply(hidden, weight) == (offers_products() and sizes[0] >= LEAST_ROWS)
    assert_near(multiply_across(hidden, weight), hidden.double() @ weight.double().T)
    assert_near(multiply_across(hidden, weight, bias), hidden.double() @ weight.double().T + bias.double())
    assert_near(multiply_along(grad, weight), grad.double() @ weight.double())


@compiled
def test_a_row_gives_the_same_bits_in_any_company_and_with_any_threads():
    hidden, grad, weight, bias = drawn((613, 256, 192))
    with threads(2):
        forward, backward = multiply_across(hidden, weight, bias), multiply_along(grad, weight)
    with threads(1):
        for start, end in ((0, 16), (5, 204), (301, 613)):
            assert torch.equal(multiply_across(hidden[start:end], weight, bias), forward[start:end])
            assert torch.equal(multiply_along(grad[start:end], weight), backward[start:end])


@compiled
def test_rows_may_lie_apart_and_results_may_go_into_a_part_of_something():
    hidden, grad, weight, _ = drawn((97, 66, 130))
    apart = torch.zeros(97, 100).bfloat16()
    apart[:, 10:76] = hidden
    assert torch.equal(multiply_across(apart[:, 10:76], weight), multiply_across(hidden, weight))
    whole = torch.full((97, 70), 7.0).bfloat16()
    part = multiply_along(grad, weight, out_TI=whole[:, 2:68])
    assert part.data_ptr() == whole[:, 2:68].data_ptr()
    assert torch.equal(part, multiply_along(grad, weight))
    assert (whole[:, :2] == 7).all() and (whole[:, 68:] == 7).all()


@compiled
@pytest.mark.parametrize("sizes", [size for size in SIZES if size[0] >= LEAST_ROWS])
def test_terms_are_added_to_their_tokens_before_the_one_rounding(sizes):
    hidden, grad, weight, _ = drawn(sizes)
    tokens, inputs, outputs = sizes
    spans = ((2, 9, 4, 0.5), (9, 11, 130, 2.0), (12, tokens, 16, 1.0))
    lows = [torch.randn(end - start, rank).bfloat16() for start, end, rank, _ in spans]
    forward, backward = hidden.double() @ weight.double().T, grad.double() @ weight.double()
    up, down = [], []
    for (start, end, rank, scaling), low in zip(spans, lows, strict=True):
        A, B = torch.randn(rank, inputs), torch.randn(outputs, rank)
        up.append(NarrowTerm(start, end, low, B, scaling))
        down.append(NarrowTerm(start, end, low, A))
        forward[start:end] += low.double() @ (B * scaling).bfloat16().double().T
        backward[start:end] += low.double() @ A.bfloat16().double()
    assert_near(multiply_across(hidden, weight, terms=up), forward, 2.5e-3)
    assert_near(multiply_along(grad, weight, down), backward, 2.5e-3)


@compiled
@pytest.mark.parametrize("sizes", [size for size in SIZES if size[0] >= LEAST_ROWS])
def test_a_result_is_added_to_what_stands_there_before_the_one_rounding(sizes):
    hidden, grad, weight, bias = drawn(sizes)
    tokens, inputs, outputs = sizes
    before, below = (100 * torch.randn(tokens, width).bfloat16() for width in (outputs, inputs))
    forward = hidden.double() @ weight.double().T + bias.double() + before.double()
    backward = grad.double() @ weight.double() + below.double()
    found = multiply_across(hidden, weight, bias, added_TO=before)
    assert_near(found, forward, 2.5e-3)
    assert_near(multiply_along(grad, weight, added_TI=below), backward, 2.5e-3)
    assert multiply_across(hidden, weight, bias, (), before, before).data_ptr() == before.data_ptr()
    assert torch.equal(before, found)


@pytest.mark.parametrize(
    ("rows", "weight"),
    [
        (torch.ones(32, 8), torch.ones(6, 8)),
        (torch.ones(32, 7).bfloat16(), torch.ones(6, 7).bfloat16()),
        (torch.ones(32, 8).bfloat16(), torch.ones(5, 8).bfloat16()),
        (torch.ones(8, 32).bfloat16().T, torch.ones(6, 8).bfloat16()),
        (torch.ones(32, 8).bfloat16(), torch.ones(8, 6).bfloat16().T),
    ],
    ids=["float32", "odd inputs", "odd outputs", "rows not dense", "matrix not dense"],
)
def test_what_the_compiled_product_cannot_read_goes_through_torch(rows, weight):
    assert not can_multiply(rows, weight)
    assert torch.equal(multiply_across(rows, weight), rows @ weight.T)
    grad = torch.ones(32, len(weight), dtype=weight.dtype)
    assert torch.equal(multiply_along(grad, weight), grad @ weight)


@compiled
def test_a_number_that_is_none_stays_in_its_row():
    hidden, _, weight, _ = drawn((97, 66, 130))
    hidden[40, 3] = torch.nan
    is_nan = multiply_across(hidden, weight).isnan()
    assert is_nan[40].all() and is_nan.sum() == 130
