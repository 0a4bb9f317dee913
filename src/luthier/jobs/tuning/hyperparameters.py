"""Hyperparameters of a job: their bounds, and what `auto` becomes for a number of examples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luthier.jobs.refusals import JobRefused

AUTO = "auto"
MOST_EPOCHS, MOST_BATCH = 50, 256
AUTO_EPOCHS, LEAST_AUTO_VIEWS, MOST_AUTO_VIEWS, MOST_AUTO_EPOCHS = 3, 100, 25_000, 25
AUTO_BATCH_SHARE = 0.002
EFFORTS = ("default", "low", "medium", "high")


@dataclass(frozen=True)
class Bound:
    """``above`` and ``most`` are limits; an integer's least value is 1."""

    is_integer: bool
    most: float
    above: float = 0.0

    @property
    def words(self) -> str:
        if self.is_integer:
            end = "greater than 0" if self.most == math.inf else f"from 1 to {self.most:g}"
            return f"an integer {end}"
        end = "" if self.most == math.inf else f" and at most {self.most:g}"
        return f"a number greater than {self.above:g}{end}"


SHARED = {
    "n_epochs": Bound(True, MOST_EPOCHS),
    "batch_size": Bound(True, MOST_BATCH),
    "learning_rate_multiplier": Bound(False, math.inf),
}
BOUNDS: dict[str, dict[str, Bound]] = {
    "supervised": SHARED,
    "dpo": {**SHARED, "beta": Bound(False, 2.0)},
    "reinforcement": {
        **SHARED,
        "compute_multiplier": Bound(False, 10.0, 0.00001),
        "eval_interval": Bound(True, math.inf),
        "eval_samples": Bound(True, math.inf),
    },
}


def check_hyperparameters(method: str, given: Any, param: str) -> dict[str, Any]:
    """Every hyperparameter of ``method``, `auto` where none is given; raises JobRefused naming the field."""
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        raise JobRefused(f"Invalid value for '{param}': expected an object.", param=param)
    checked = {name: _checked(given.get(name), bound, f"{param}.{name}") for name, bound in BOUNDS[method].items()}
    if method == "reinforcement":
        effort = given.get("reasoning_effort") or "default"
        if effort not in EFFORTS:
            name = f"{param}.reasoning_effort"
            raise JobRefused(f"Invalid value for '{name}': expected one of {', '.join(EFFORTS)}.", param=name)
        checked["reasoning_effort"] = effort
    known = {*checked, "reasoning_effort"}
    if unknown := sorted(set(given) - known):
        raise JobRefused(f"Unknown parameter: '{param}.{unknown[0]}'.", code="unknown_parameter", param=param)
    return checked


def resolve(asked: Mapping[str, Any], examples: int) -> dict[str, Any]:
    """The same with numbers in place of `auto` (contract 5.1: ten examples train ten epochs)."""
    chosen = {
        "n_epochs": auto_epochs(examples),
        "batch_size": min(MOST_BATCH, max(1, round(AUTO_BATCH_SHARE * examples))),
        "learning_rate_multiplier": 1.0,
        "beta": 0.1,
        "compute_multiplier": 1.0,
        "eval_interval": 5,
        "eval_samples": 1,
    }
    return {name: chosen[name] if value == AUTO else value for name, value in asked.items()}


def auto_epochs(examples: int) -> int:
    """Three; more where that would be too few views, fewer where it would be too many."""
    if AUTO_EPOCHS * examples < LEAST_AUTO_VIEWS:
        return min(MOST_AUTO_EPOCHS, LEAST_AUTO_VIEWS // examples)
    if AUTO_EPOCHS * examples > MOST_AUTO_VIEWS:
        return max(1, MOST_AUTO_VIEWS // examples)
    return AUTO_EPOCHS


def total_steps(examples: int, resolved: Mapping[str, Any]) -> int:
    return -(-examples // resolved["batch_size"]) * resolved["n_epochs"]


def _checked(value: Any, bound: Bound, name: str) -> Any:
    if value is None or value == AUTO:
        return AUTO
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or value <= bound.above or value > bound.most or (bound.is_integer and value != int(value)):
        raise JobRefused(f"Invalid value for '{name}': expected {bound.words}, or 'auto'.", param=name)
    return int(value) if bound.is_integer else float(value)
