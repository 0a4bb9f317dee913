"""Vectorised choices follow the distributions that they should."""

import numpy as np
import pytest
import torch

from luthier.generation.engine.draws import mixed_seed, uniform
from luthier.generation.engine.sampling import draw_from, draw_from_top

DRAWS = 20_000


def draws(seed=0):
    return torch.from_numpy(uniform(np.full(DRAWS, mixed_seed(seed)), np.arange(DRAWS)))


def frequencies(ids, size):
    return torch.bincount(ids, minlength=size) / len(ids)


@pytest.mark.parametrize("size", [5, 512, 1300])
def test_tokens_come_as_often_as_their_shares_say(size):
    shares = torch.rand(size, generator=torch.Generator().manual_seed(1)).softmax(0)
    shares[0] = 0.3
    shares /= shares.sum()
    found = frequencies(draw_from(shares.expand(DRAWS, -1), draws()), size)
    assert (found - shares).abs().max() < 4 * (0.25 / DRAWS) ** 0.5


def test_impossible_tokens_never_come():
    shares = torch.zeros(1000)
    shares[[3, 600]] = 0.5
    assert set(draw_from(shares.expand(DRAWS, -1), draws()).tolist()) == {3, 600}
    edges = torch.tensor([1e-12, 1 - 1e-12], dtype=torch.float64)
    assert draw_from(shares.expand(2, -1), edges).tolist() == [3, 600]


def test_top_k_and_top_p_cut_as_written_down():
    shares = torch.tensor([0.05, 0.4, 0.25, 0.2, 0.1])
    rows = shares.expand(DRAWS, -1)

    def kept(top_k, top_p):
        return set(draw_from_top(rows, draws(), [top_k] * DRAWS, [top_p] * DRAWS).tolist())

    assert kept(2, 1.0) == {1, 2}
    assert kept(5, 0.4) == {1}
    assert kept(5, 0.41) == {1, 2}
    assert kept(5, 1.0) == {0, 1, 2, 3, 4}
    assert kept(3, 0.8) == {1, 2, 3}  # of the three: 0.47, 0.29, 0.24
    assert kept(3, 0.7) == {1, 2}
    assert kept(5, 0.0) == {1}


def test_a_flat_distribution_is_cut_beyond_the_first_candidates():
    shares = torch.full((1, 2000), 1 / 2000)
    late = torch.tensor([0.999], dtype=torch.float64)
    assert 0 <= int(draw_from_top(shares, late, [2000], [0.9])) < 2000
    found = draw_from_top(shares.expand(4000, -1), draws()[:4000], [2000] * 4000, [0.5] * 4000)
    assert 800 < len(set(found.tolist())) <= 1001


def test_numbers_are_even_and_streams_differ():
    one, other = draws(1).numpy(), draws(2).numpy()
    assert abs(one.mean() - 0.5) < 0.01 and abs(np.corrcoef(one, other)[0, 1]) < 0.03
    assert one.min() > 0 and one.max() < 1
    assert abs(np.corrcoef(one[:-1], one[1:])[0, 1]) < 0.03
