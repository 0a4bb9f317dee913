"""Curves are read as a careful person would read them."""

import numpy as np
import pytest

from luthier.evaluation import SetLosses, judge_gaps, judge_overfitting

FALLING = [(step, 2.0 - 0.015 * step) for step in range(1, 101)]


def validated(*losses: float) -> list[tuple[int, float]]:
    return [(20 * (index + 1), loss) for index, loss in enumerate(losses)]


def test_validation_that_turns_up_while_training_falls_is_overfitting():
    found = judge_overfitting(FALLING, validated(1.5, 1.2, 1.3, 1.4, 1.5))
    assert (found.finding, found.verdict, found.best_step) == ("overfitting", "overfitting from step 40", 40)
    assert found.sentence == (
        "Validation loss was lowest at step 40 (1.200) and rose by 25 % until step 100, "
        "while training loss went on falling."
    )


def test_validation_that_still_falls_at_the_end_is_still_improving():
    found = judge_overfitting(FALLING, validated(1.5, 1.2, 1.0, 0.9, 0.8))
    assert (found.verdict, found.best_step) == ("still improving", 100)
    assert "more epochs may help" in found.sentence


@pytest.mark.parametrize("last", [0.995, 1.0, 1.015])
def test_a_plateau_is_no_sign(last: float):
    assert judge_overfitting(FALLING, validated(1.5, 1.2, 1.0, last)).finding == "no sign"


def test_a_bump_in_the_middle_is_forgiven_when_the_end_is_good():
    assert judge_overfitting(FALLING, validated(1.0, 1.4, 1.0, 1.0)).finding == "no sign"


def test_training_loss_that_rises_as_well_is_another_illness():
    rising = [(step, 1.0 if step <= 40 else 1.5) for step in range(1, 101)]
    found = judge_overfitting(rising, validated(1.5, 1.2, 1.4, 1.6))
    assert found.finding == "diverging" and "learning rate" in found.sentence


def test_losses_near_zero_are_not_magnified():
    assert judge_overfitting(FALLING, validated(0.1, 0.001, 0.002)).finding == "no sign"


@pytest.mark.parametrize("losses", [(), (1.0,)])
def test_fewer_than_two_validations_measure_nothing(losses: tuple[float, ...]):
    found = judge_overfitting(FALLING, validated(*losses))
    assert (found.finding, found.best_step) == ("not measured", None)


def test_without_a_training_curve_a_rise_still_counts():
    assert judge_overfitting([], validated(1.0, 1.5)).finding == "overfitting"


def losses(tuned: float, base: float = 3.0, rows: int = 40) -> SetLosses:
    tokens = np.arange(5.0, 5.0 + rows)
    wobble = 1 + 0.1 * np.sin(tokens)
    return SetLosses(tuned * tokens * wobble, base * tokens * wobble, tokens)


def test_the_gap_of_each_set_is_told_with_its_interval_and_the_bases_own():
    found = judge_gaps(losses(0.1), {"validation": losses(0.5), "golden": losses(0.4, base=3.2)}, best_step=40)
    assert found is not None
    validation, golden = found.gaps
    assert validation.gap == pytest.approx(0.4, rel=0.02) and validation.low > 0.3
    assert golden.base_gap == pytest.approx(0.2, rel=0.02)
    assert found.sentence.endswith("Validation loss was lowest at step 40.")


def test_a_set_of_one_row_has_no_gap():
    assert judge_gaps(losses(0.1), {"golden": losses(0.5, rows=1)}, None) is None
