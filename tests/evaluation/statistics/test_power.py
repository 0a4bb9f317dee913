"""Planned power is the power that simulated comparisons have."""

import numpy as np
import pytest

from luthier.evaluation.statistics import (
    closed_form_power,
    detectable_difference,
    exact_mcnemar,
    expected_discordance,
    items_for_power,
    paired_power,
)


@pytest.mark.parametrize(("items", "difference", "discordance"), [(60, 0.15, 0.2), (200, 0.05, 0.1), (200, 0.1, 0.4)])
def test_simulated_comparisons_are_decided_as_often_as_planned(items: int, difference: float, discordance: float):
    shares = ((discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance)
    counts = np.random.default_rng(1).multinomial(items, shares, 3_000)
    decided = [won > lost and exact_mcnemar(int(won), int(lost)) <= 0.05 for won, lost, _ in counts]
    assert np.mean(decided) == pytest.approx(paired_power(items, difference, discordance), abs=0.03)


def test_the_closed_form_agrees_where_many_items_change():
    assert closed_form_power(2_000, 0.05, 0.3) == pytest.approx(paired_power(2_000, 0.05, 0.3), abs=0.01)
    assert closed_form_power(50, 0.05, 0.1) > paired_power(50, 0.05, 0.1)


def test_items_for_power_are_just_enough():
    items = items_for_power(0.05, 0.2)
    assert paired_power(items, 0.05, 0.2) >= 0.8 > paired_power(items - 20, 0.05, 0.2)
    assert items_for_power(0.05, 0.2, power=0.95) > items > items_for_power(0.05, 0.1)


def test_the_detectable_difference_is_found_with_the_power_asked_for():
    found = detectable_difference(300, 0.7, discordance=0.25)
    assert found is not None
    assert paired_power(300, found, 0.25) == pytest.approx(0.8, abs=0.01)
    assert detectable_difference(4, 0.5) is None and detectable_difference(300, 1.0) is None


def test_a_perfect_arm_among_arms_that_always_agree_changes_nothing_else():
    assert expected_discordance(0.9, 0.1) == pytest.approx(0.1)
    assert expected_discordance(0.7, 0.0, agreement=1.0) == pytest.approx(0)
    assert paired_power(100, 0.0, 0.0) == 0
    assert paired_power(100, 1.0, 1.0) == pytest.approx(1)


def test_a_difference_larger_than_what_changes_is_refused():
    with pytest.raises(ValueError, match="discordance"):
        paired_power(100, 0.3, 0.2)
