"""Three intervals for a share, against published tables and against their exact coverage."""

import math

import numpy as np
import pytest

from luthier.evaluation.statistics import blaker, clopper_pearson, wilson_bounds


def chances(n: int, share: float) -> np.ndarray:
    return np.array([math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)])


def test_wilson_and_clopper_pearson_equal_newcombes_table():
    # Newcombe 1998, table I: 81 of 263 and 15 of 148.
    for right, n, wilson, exact in (
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
    ):
        low, high = wilson_bounds(right / n, n)
        assert (round(float(low), 4), round(float(high), 4)) == wilson
        low, high = clopper_pearson(right, n)
        assert (round(low, 4), round(high, 4)) == exact


@pytest.mark.parametrize("n", [20, 50, 100])
def test_blaker_covers_95_percent_of_every_share_and_lies_inside_clopper_pearson(n: int):
    inner, outer = (
        np.array([blaker(k, n) for k in range(n + 1)]),
        np.array([clopper_pearson(k, n) for k in range(n + 1)]),
    )
    assert (inner[:, 0] >= outer[:, 0] - 1e-9).all() and (inner[:, 1] <= outer[:, 1] + 1e-9).all()
    for share in np.linspace(0.5, 0.99, 99):
        covered = (inner[:, 0] <= share) & (share <= inner[:, 1])
        assert chances(n, share)[covered].sum() > 0.9495


@pytest.mark.parametrize(("n", "share"), [(20, 0.95), (20, 0.99), (50, 0.99), (100, 0.99), (200, 0.99)])
def test_blaker_is_above_98_percent_only_where_no_choice_of_counts_lies_between_95_and_98(n: int, share: float):
    sums = np.concatenate(([0.0], np.cumsum(chances(n, share))))
    every_run = sums[None, :] - sums[:, None]
    assert not ((every_run >= 0.95) & (every_run <= 0.98)).any()
    bounds = np.array([blaker(k, n) for k in range(n + 1)])
    covered = (bounds[:, 0] <= share) & (share <= bounds[:, 1])
    assert chances(n, share)[covered].sum() > 0.98


def test_the_ends_are_certain_only_where_nothing_else_was_seen():
    assert blaker(0, 10)[0] == 0 and blaker(10, 10)[1] == 1
    assert blaker(0, 10)[1] < 0.35 and 0 < blaker(1, 10)[0] < 0.02
    assert clopper_pearson(0, 10) == pytest.approx((0, 1 - 0.025**0.1))


def test_more_confidence_is_wider():
    assert blaker(17, 20, 0.99)[0] < blaker(17, 20)[0] < blaker(17, 20, 0.8)[0]
