"""Which trainings a probe is made of: sizes, seeds, nested sets of rows, and how many steps each takes.

Held equal at all sizes: batch, learning rate, schedule and the rule for steps, which is the recipe's epochs, but no
fewer than `probe.least_steps`. Three epochs of 50 rows are a dozen steps: without the floor the curve would show how
little was trained, not how little there was to learn from.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from luthier.errors import DataError, RecipeError
from luthier.recipe import Lora, Recipe

LARGEST_ROWS = 400
SIZES = 4
FEWEST_ROWS = 32
MOST_LEAST_STEPS = 300

Row = TypeVar("Row")


@dataclass(frozen=True)
class ProbeJob:
    """One training. ``recipe`` holds its own seed and epochs."""

    rows: int
    seed: int
    steps: int
    recipe: Recipe

    @property
    def name(self) -> str:
        return f"{self.rows}-rows-seed-{self.seed}"


def plan_probe(recipe: Recipe, available: int) -> tuple[ProbeJob, ...]:
    """All trainings, the smallest size first. Raises RecipeError or DataError for what cannot be probed."""
    refuse_unprobed(recipe)
    sizes, first = probe_sizes(recipe, available), recipe.training.seed
    seeds = range(first, first + recipe.probe.seeds)
    return tuple(job_of(recipe, rows, seed, available) for rows in sizes for seed in seeds)


def refuse_unprobed(recipe: Recipe) -> None:
    """What can be told before anything is read."""
    if not isinstance(recipe.method, Lora):
        raise RecipeError(
            f"a probe with method.kind {recipe.method.kind}",
            expected="LoRA: its adapters are trained side by side on one base",
            fix="--set method.kind=lora",
        )
    if recipe.data.validation is None and recipe.data.validation_fraction == 0:
        raise RecipeError(
            "a probe without validation rows",
            expected="rows whose loss every training is measured by",
            fix="--set data.validation_fraction=0.1, or name a file with data.validation",
        )
    if recipe.probe.rows != "auto" and len(recipe.probe.rows) < 3:
        raise RecipeError(
            f"probe.rows names {len(recipe.probe.rows)} sizes",
            expected="at least three: two points are any curve",
            fix="--set probe.rows=[50,100,200,400]",
        )


def probe_sizes(recipe: Recipe, available: int) -> tuple[int, ...]:
    """In rising order. ``available``: training rows there are."""
    asked = recipe.probe.rows
    wanted = FEWEST_ROWS if asked == "auto" else max(asked)
    if available < wanted:
        raise DataError(
            f"{available:,} training rows",
            expected=f"at least {wanted:,} to draw this curve",
            fix="name smaller sizes with --set probe.rows=[...], or collect more rows first",
        )
    if asked != "auto":
        return tuple(sorted(asked))
    largest = min(LARGEST_ROWS, available)
    return tuple(largest // 2**halvings for halvings in reversed(range(SIZES)))


def steps_for(recipe: Recipe, rows: int, available: int) -> int:
    """Optimizer steps of a training on ``rows`` rows, by the rule that all sizes share."""
    least = recipe.probe.least_steps
    floor = min(MOST_LEAST_STEPS, _by_epochs(recipe, available)) if least == "auto" else least
    return max(floor, _by_epochs(recipe, rows))


def drawn_rows(examples: Sequence[Row], job: ProbeJob) -> tuple[Row, ...]:
    """The job's rows: a seed's smaller sets are parts of its larger ones."""
    order = list(range(len(examples)))
    random.Random(f"probe-{job.seed}").shuffle(order)
    return tuple(examples[index] for index in order[: job.rows])


def job_of(recipe: Recipe, rows: int, seed: int, available: int) -> ProbeJob:
    """One training; ``available``: training rows there are, which decides the fewest steps."""
    steps = steps_for(recipe, rows, available)
    changes = {"epochs": steps / _per_epoch(recipe, rows), "seed": seed, "early_stopping_patience": None}
    training = recipe.training.model_copy(update=changes)
    return ProbeJob(rows, seed, steps, recipe.model_copy(update={"training": training}))


def _by_epochs(recipe: Recipe, rows: int) -> int:
    return max(1, round(_per_epoch(recipe, rows) * recipe.training.epochs))


def _per_epoch(recipe: Recipe, rows: int) -> int:
    return -(-rows // recipe.training.batch_examples)
