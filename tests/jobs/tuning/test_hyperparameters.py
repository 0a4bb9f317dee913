"""Bounds of hyperparameters, and what `auto` becomes."""

from __future__ import annotations

import pytest

from luthier.jobs import JobRefused, auto_epochs, check_hyperparameters
from luthier.jobs.tuning.hyperparameters import resolve, total_steps


@pytest.mark.parametrize(
    ("examples", "epochs"), [(10, 10), (1, 25), (3, 25), (33, 3), (34, 3), (8333, 3), (8334, 2), (12501, 1), (99999, 1)]
)
def test_auto_epochs_follow_the_platforms_rule(examples: int, epochs: int):
    assert auto_epochs(examples) == epochs


def test_auto_becomes_numbers_and_numbers_stay():
    asked = check_hyperparameters("supervised", {"n_epochs": "auto", "batch_size": 4}, "hyperparameters")
    assert asked == {"n_epochs": "auto", "batch_size": 4, "learning_rate_multiplier": "auto"}
    numbers = resolve(asked, 10)
    assert numbers == {"n_epochs": 10, "batch_size": 4, "learning_rate_multiplier": 1.0}
    assert total_steps(10, numbers) == 30
    assert resolve({"batch_size": "auto"}, 1000) == {"batch_size": 2}


@pytest.mark.parametrize(
    ("method", "name", "value"),
    [
        ("supervised", "n_epochs", 0),
        ("supervised", "n_epochs", 51),
        ("supervised", "n_epochs", 1.5),
        ("supervised", "n_epochs", True),
        ("supervised", "n_epochs", "three"),
        ("supervised", "batch_size", 257),
        ("supervised", "learning_rate_multiplier", 0),
        ("supervised", "learning_rate_multiplier", float("nan")),
        ("dpo", "beta", 2.1),
        ("reinforcement", "compute_multiplier", 0.00001),
        ("reinforcement", "eval_samples", 0),
        ("reinforcement", "reasoning_effort", "extreme"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(method: str, name: str, value):
    with pytest.raises(JobRefused) as refused:
        check_hyperparameters(method, {name: value}, f"method.{method}.hyperparameters")
    assert refused.value.param == f"method.{method}.hyperparameters.{name}"


def test_hyperparameters_of_other_methods_are_unknown():
    with pytest.raises(JobRefused, match="Unknown parameter"):
        check_hyperparameters("supervised", {"beta": 0.1}, "hyperparameters")
