"""One may look after every item, and stop when it is decided."""

import numpy as np
import pytest

from luthier.evaluation.statistics import EProcess, decided_after, in_random_order, observe
from luthier.evaluation.statistics.sequential import BETS_B, running_log_evidence

DRAW = np.random.default_rng(3)
CLEAR = DRAW.choice([1.0, 0.0, -1.0], size=300, p=[0.25, 0.7, 0.05])


def test_the_wealth_is_what_the_bets_win():
    gaps = [1.0, -0.5, 0.0, 1.0]
    ups, downs = (np.prod([1 + sign * BETS_B * gap for gap in gaps], axis=0) for sign in (1, -1))
    evidence = running_log_evidence(np.array([gaps]))[0, -1]
    assert np.exp(evidence) == pytest.approx(np.concatenate((ups, downs)).mean())


def test_a_state_never_changes_and_the_order_of_items_does_not_matter():
    start = EProcess()
    half = start.after(CLEAR[:150])
    assert (start.items, half.items) == (0, 150)
    forth, back = half.after(CLEAR[150:]), observe(CLEAR[::-1])
    assert forth.interval == back.interval and forth.p == pytest.approx(back.p)
    assert forth.difference == pytest.approx(CLEAR.mean())


def test_a_clear_difference_is_decided_before_all_items_are_asked():
    stop = decided_after(CLEAR)
    assert stop is not None and stop < 200
    assert not observe(CLEAR[: stop - 1]).is_decided
    state = observe(CLEAR[:stop])
    assert state.decision == "better" and state.p <= 0.05 and state.interval[0] >= 0
    assert observe(-CLEAR[:stop]).decision == "worse"


def test_the_interval_is_where_nobody_got_rich():
    low, high = observe(CLEAR).interval
    for mean in (low + 0.01, CLEAR.mean(), high - 0.01):
        assert running_log_evidence(CLEAR[None], mean)[0, -1] < np.log(20)
    for mean in (low - 1e-9, high + 1e-9):
        assert running_log_evidence(CLEAR[None], mean)[0, -1] > np.log(20)


def test_arms_without_a_difference_are_rarely_decided_however_often_one_looks():
    gaps = np.random.default_rng(5).choice([1.0, 0.0, -1.0], size=(400, 500), p=[0.1, 0.8, 0.1])
    assert (running_log_evidence(gaps).max(axis=1) >= np.log(20)).mean() <= 0.05


def test_nothing_seen_says_nothing():
    state = EProcess()
    assert (state.difference, state.p, state.interval, state.decision) == (0, 1, (-1, 1), None)
    assert decided_after([0.0] * 50) is None


def test_the_order_is_random_and_repeatable():
    assert sorted(in_random_order(20, seed=1)) == list(range(20))
    assert in_random_order(20, seed=1) == in_random_order(20, seed=1) != tuple(range(20))


def test_a_difference_beyond_one_is_refused():
    with pytest.raises(ValueError, match="between -1 and 1"):
        EProcess().after([1.5])
