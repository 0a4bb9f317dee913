"""The intervals cover what they promise, also with few items near 100 %."""

import itertools
from math import comb
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.evaluation import (
    exact_mcnemar,
    holm,
    items_needed,
    mean_interval,
    paired_comparison,
    paired_interval,
    sign_flip_test,
)

SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=40)
PAIRS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40)


def test_right_or_wrong_scores_get_wilsons_interval():
    found = mean_interval([1] * 81 + [0] * 182)
    # Newcombe 1998, table I: 81 of 263.
    assert (round(found.low, 4), round(found.high, 4), found.n) == (0.2553, 0.3662, 263)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n", [1, 2, 20, 500])
def test_no_score_is_ever_certain(value: float, n: int):
    found = mean_interval([value] * n)
    assert found.low <= value <= found.high
    assert found.high - found.low > 0.5 / n


@given(SCORES)
def test_an_interval_holds_its_mean_and_stays_between_0_and_1(scores: list[float]):
    found = mean_interval(scores)
    assert 0 <= found.low <= found.mean <= found.high <= 1
    assert found.high > found.low


@given(SCORES)
def test_turning_right_into_wrong_mirrors_the_interval(scores: list[float]):
    found, mirrored = mean_interval(scores), mean_interval([1 - score for score in scores])
    assert (found.low, found.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low))


@given(PAIRS)
def test_a_paired_interval_holds_the_difference_and_swapping_the_arms_mirrors_it(pairs: list[tuple[float, float]]):
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    found, swapped = paired_comparison(first, second), paired_comparison(second, first)
    assert -1 - 1e-9 <= found.low <= found.difference <= found.high <= 1 + 1e-9
    assert (found.low, found.high) == pytest.approx((-swapped.high, -swapped.low))
    assert found.p == pytest.approx(swapped.p)


def test_two_equal_arms_still_leave_doubt():
    found = paired_comparison([1.0] * 20, [1.0] * 20)
    assert (found.difference, found.p, found.discordant) == (0, 1, 0)
    assert found.low < -0.05 and found.high > 0.05


def test_arms_that_are_right_on_the_same_items_are_told_apart_more_sharply():
    first = [1.0] * 60 + [0.0] * 40
    alike, unlike = [1.0] * 50 + [0.0] * 50, [0.0] * 50 + [1.0] * 50
    narrow, wide = paired_comparison(first, alike), paired_comparison(first, unlike)
    assert narrow.difference == wide.difference
    assert narrow.low > 0 > wide.low
    assert narrow.high - narrow.low < (wide.high - wide.low) / 2


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (5, 5), (8, 2), (0, 6), (21, 34)])
def test_mcnemar_counts_the_splits_of_a_fair_coin(wins: int, losses: int):
    n, k = wins + losses, min(wins, losses)
    assert exact_mcnemar(wins, losses) == pytest.approx(min(1.0, 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n))


def test_mcnemar_bears_large_counts():
    assert exact_mcnemar(50_000, 50_000) == 1
    assert 0 <= exact_mcnemar(60_000, 40_000) < 1e-100


def test_the_sign_flip_test_of_few_items_counts_every_pattern():
    differences = np.array([0.5, 0.25, -0.25, 1.0, 0.0, 0.75])
    patterns = itertools.product([1, -1], repeat=6)
    truth = np.mean([abs(np.dot(signs, differences)) >= abs(differences.sum()) - 1e-12 for signs in patterns])
    assert sign_flip_test(differences) == pytest.approx(truth)


def test_the_drawn_sign_flip_test_agrees_with_mcnemar_on_right_or_wrong_scores():
    differences = np.array([1.0] * 30 + [-1.0] * 15)
    assert sign_flip_test(differences, seed=1) == pytest.approx(exact_mcnemar(30, 15), abs=0.01)
    assert sign_flip_test(differences, seed=1) == sign_flip_test(differences, seed=1)
    assert sign_flip_test(np.zeros(3)) == 1


def test_holm_steps_down_and_never_reverses_the_order():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    assert holm([]) == ()


def test_items_needed_would_have_settled_the_difference():
    better, worse = [1.0, 1.0, 1.0, 0.0] * 10, [1.0, 1.0, 0.0, 1.0] * 5 + [1.0, 1.0, 1.0, 0.0] * 5
    assert items_needed(better, worse) is None
    more = items_needed([1.0] * 3 + better, [0.0] * 3 + worse)
    assert more is not None and 50 < more < 1_000


def test_less_power_or_confidence_takes_fewer_items():
    better, worse = [1.0] * 12 + [0.0] * 8, [1.0] * 10 + [0.0] * 10
    usual = items_needed(better, worse)
    assert usual is not None
    assert (items_needed(better, worse, power=0.5) or 0) < usual < (items_needed(better, worse, 0.99) or 0)


@pytest.mark.parametrize("scores", [[], [1.5], [float("nan")], [-0.1]])
def test_what_is_no_score_is_refused(scores: list[float]):
    with pytest.raises(ValueError, match="score"):
        mean_interval(scores)


def test_arms_on_different_items_are_refused():
    with pytest.raises(ValueError, match="2 scores against 1"):
        paired_comparison([1, 0], [1])


@pytest.mark.parametrize("levels", [1, 4])
@pytest.mark.parametrize("n", [20, 50])
@pytest.mark.parametrize("right", [0.5, 0.95, 0.98])
def test_intervals_keep_their_promise_with_few_items_near_100_percent(levels: int, n: int, right: float):
    """Wilson's own coverage swings between 92 and 97 %; a normal interval covers 35 % at the worst of these."""
    first, second = _correlated_arms(np.random.default_rng(7), 200, n, right, right - 0.1, levels)
    means = [mean_interval(scores) for scores in first.tolist()]
    pairs = [paired_interval(a, b) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    assert np.mean([found.low <= right <= found.high for found in means]) > 0.9
    assert np.mean([low <= 0.1 <= high for low, high in pairs]) > 0.92


def _correlated_arms(
    generator: np.random.Generator, repetitions: int, n: int, right: float, other_right: float, levels: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores in steps of 1/levels whose items are hard or easy for both arms (Gaussian copula, 0.6)."""
    shared = generator.standard_normal((repetitions, n, levels))
    alone = generator.standard_normal((repetitions, n, levels))
    normal = NormalDist()
    first = (shared < normal.inv_cdf(right)).mean(axis=2)
    second = (0.6 * shared + 0.8 * alone < normal.inv_cdf(other_right)).mean(axis=2)
    return first, second
