"""Written into given rooms, the kernels give what their ordinary forms give."""

import pytest
import torch

from luthier.kernels import (
    ServedMatrices,
    ServedTerm,
    add_served,
    add_served_at,
    gate_into,
    gated,
    norm_into,
    rms_norm,
    rotate,
    rotate_into,
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
