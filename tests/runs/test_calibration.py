"""The forecast after a few steps."""

from __future__ import annotations

import pytest

from luthier.runs.calibration import CALIBRATION_STEPS, calibrated_minutes


def steps(*lengths: int, seconds_per_token: float = 0.01) -> list[dict[str, float]]:
    return [{"seconds": seconds_per_token * tokens, "computed_tokens": tokens} for tokens in lengths]


def test_time_goes_with_computed_tokens():
    told = steps(*[100, 300] * (CALIBRATION_STEPS // 2))
    assert calibrated_minutes(told, 100, 20_000) == pytest.approx(200 / 60)


def test_slow_first_steps_count_once_and_are_not_carried_on():
    told = steps(*[100] * CALIBRATION_STEPS)
    told[0]["seconds"] += 30
    assert calibrated_minutes(told, 100, 10_000) == pytest.approx(130 / 60)


def test_later_steps_do_not_change_what_was_foretold():
    first = steps(*[100] * CALIBRATION_STEPS)
    later = steps(*[100] * 50, seconds_per_token=1.0)
    assert calibrated_minutes([*first, *later], 100, 10_000) == calibrated_minutes(first, 100, 10_000)


def test_a_training_of_few_steps_has_nothing_to_foretell():
    told = steps(*[100] * CALIBRATION_STEPS)
    assert calibrated_minutes(told, CALIBRATION_STEPS + 1, 2_000) is None
    assert calibrated_minutes(told[:-1], 100, 10_000) is None
