"""Verdicts are rarely wrong, in a small form of the full simulation."""

import numpy as np
import pytest

from benchmarks.promised_verdicts import (
    draw_arms,
    false_alarms,
    known_truth,
    mixed_truth,
    power_curve,
    true_discordance,
)


def test_arms_that_are_equal_are_rarely_called_different():
    found = list(false_alarms(200, seed=1, arm_counts=(3,)))
    # Two standard errors of 200 repetitions at 5 % are 3 points.
    assert max(each.alarms for each in found) <= 0.08
    assert np.mean([each.alarms for each in found]) <= 0.05


def test_an_equal_arm_among_worse_ones_is_rarely_beaten():
    found = mixed_truth(30, seed=2)
    assert found.alarms <= 0.12 and found.joint_coverage is not None and found.joint_coverage >= 0.88


def test_planned_power_is_simulated_power():
    points = list(power_curve(600, seed=3, item_counts=(50, 200)))
    assert np.mean([abs(point.simulated - point.planned) for point in points]) < 0.015


def test_verdicts_on_known_truth_are_right_or_cannot_tell():
    experiments = list(known_truth(seed=4, count=10))
    assert len(experiments) == 10
    assert sum(each.fixed == "wrong" for each in experiments) <= 1
    assert all(each.sequential == "right" for each in experiments if each.planned_power >= 0.8)


def test_the_discordance_that_plans_are_made_from_is_that_of_the_drawn_arms():
    first, second = draw_arms([0.75, 0.7], 4_000, 20, np.random.default_rng(0))
    assert (first != second).mean() == pytest.approx(true_discordance(0.75, 0.7), abs=0.01)
