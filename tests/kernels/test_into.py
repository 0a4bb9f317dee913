"""Written into given rooms, the kernels give what their ordinary forms give."""

import pytest
import torch

from luthier.kernels import (
    ServedMatrices,
    ServedTerm,
    add_served,
    add_served_at,
    gate_gradients_into,
    gate_into,
    gated,
    norm_gradient_into,
    norm_into,
    rms_norm,
    rotate,
    rotate_into,
    turn_heads_gradient_into,
    turn_heads_into,
)

TOKENS, WIDTH, HEADS, HEAD = 5, 32, 4, 8


def numbers(*shape, dtype=torch.float32, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_norms_turns_and_gates_are_the_same(dtype):
    hidden, weight = numbers(TOKENS, WIDTH, dtype=dtype), numbers(WIDTH, dtype=dtype, seed=1)
    cos, sin = numbers(TOKENS, HEAD, dtype=dtype, seed=2), numbers(TOKENS, HEAD, dtype=dtype, seed=3)
    normed, turned, product = (torch.empty_like(hidden) for _ in range(3))
    norm_into(hidden, weight, normed, torch.empty(TOKENS), 1e-6, 0.0)
    rotate_into(hidden, cos, sin, turned)
    gate_into(hidden, normed, product, "silu")

    states = hidden.view(TOKENS, HEADS, HEAD).transpose(0, 1)[None]
    assert torch.equal(normed, rms_norm(hidden, weight, 1e-6, 0.0))
    assert torch.equal(turned, rotate(states, cos[None], sin[None])[0].transpose(0, 1).flatten(1))
    assert torch.equal(product, gated(hidden, normed, "silu"))


def test_terms_that_lie_ready_are_the_terms_that_are_given():
    matrices = [ServedMatrices(numbers(rank, WIDTH, seed=rank), numbers(rank, 16, seed=9 + rank)) for rank in (2, 3)]
    terms = [ServedTerm(0, 2, matrices[0]), ServedTerm(2, 5, matrices[1])]
    laid = torch.tensor(
        [(t.matrices.A_RI.data_ptr(), t.matrices.B_RO.data_ptr(), len(t.matrices.A_RI), t.start, t.end) for t in terms]
    )
    hidden = numbers(TOKENS, WIDTH)
    given, ready = torch.zeros(TOKENS, 16), torch.zeros(TOKENS, 16)
    add_served(hidden, given, terms)
    add_served_at(laid.data_ptr(), len(terms), hidden, ready)
    assert torch.equal(given, ready) and given.abs().sum() > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_may_stand_where_what_they_came_from_stood(dtype):
    hidden, grad, weight = (
        numbers(*shape, dtype=dtype, seed=seed) for seed, shape in enumerate([(70, 48)] * 2 + [(48,)])
    )
    reciprocal, normed = torch.empty(70), torch.empty_like(hidden)
    norm_into(hidden, weight, normed, reciprocal, 1e-6, 1.0)
    plain, summed = torch.empty_like(hidden), torch.empty_like(hidden)
    norm_gradient_into(hidden, weight, reciprocal, grad, plain, 1.0)
    norm_gradient_into(hidden, weight, reciprocal, grad, summed, 1.0, hidden)
    near = {"rtol": 1e-2, "atol": 2e-2} if dtype is torch.bfloat16 else {"rtol": 1e-5, "atol": 1e-5}
    torch.testing.assert_close(summed, plain + hidden, **near)
    for place in (grad.clone(), hidden.clone()):
        is_grad = torch.equal(place, grad)
        norm_gradient_into(hidden, weight, reciprocal, place if is_grad else grad, place, 1.0, hidden)
        assert torch.equal(place, summed)
    up, gate_grad, up_grad = numbers(70, 48, dtype=dtype, seed=4), torch.empty_like(grad), torch.empty_like(grad)
    gate_gradients_into(hidden, up, grad, gate_grad, up_grad, "silu")
    in_place, again = grad.clone(), torch.empty_like(grad)
    gate_gradients_into(hidden, up, in_place, in_place, again, "silu")
    assert torch.equal(in_place, gate_grad) and torch.equal(again, up_grad)


@pytest.mark.parametrize("has_norm", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_heads_normed_and_turned_at_once_are_the_same(dtype, has_norm):
    states = numbers(40, HEADS * HEAD, dtype=dtype).requires_grad_()
    weight = numbers(HEAD, dtype=dtype, seed=1) if has_norm else None
    turns = numbers(40, HEAD, dtype=dtype, seed=2), numbers(40, HEAD, dtype=dtype, seed=3)
    heads = states.view(1, 40, HEADS, HEAD)
    expected = heads if weight is None else rms_norm(heads, weight, 1e-6, 1.0)
    expected = rotate(expected.transpose(1, 2), turns[0][None], turns[1][None])[0].transpose(0, 1).flatten(1)
    output, reciprocal = torch.empty_like(states), torch.empty(40 * HEADS)
    turn_heads_into(states.detach(), weight, turns, output, reciprocal, 1e-6, 1.0)
    torch.testing.assert_close(output, expected)
    pull, found = numbers(40, HEADS * HEAD, dtype=dtype, seed=5), torch.empty_like(states)
    (gradient,) = torch.autograd.grad(expected, states, pull)
    turn_heads_gradient_into(states.detach() if has_norm else None, weight, reciprocal, turns, pull, found, 1.0)
    torch.testing.assert_close(found, gradient)
    if not has_norm:
        in_place = states.detach().clone()
        turn_heads_into(in_place, None, turns, in_place, None)
        assert torch.equal(in_place, output)
