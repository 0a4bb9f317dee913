"""How well rows that were trained on are foreseen, against rows that were not: memorisation, and gaps of the sets."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.evaluation import SetGaps, SetLosses, judge_gaps
from luthier.evaluation.forgetting import (
    Canary,
    Memorisation,
    Reading,
    exposure_report,
    judge_memorisation,
    make_canaries,
)
from luthier.examples import Example
from luthier.recipe import Recipe
from luthier.runs.encoding import encode_data
from luthier.runs.forgetting.readings import read_both
from luthier.runs.forgetting.two_models import TwoModels
from luthier.runs.prepare import PreparedData
from luthier.runs.workbench import Workbench
from luthier.tokens import Branch


@dataclass(frozen=True)
class MemoryFindings:
    memorisation: Memorisation | None
    gaps: SetGaps | None
    canaries: dict[str, Any] | None = None


def measure_memory(
    models: TwoModels, bench: Workbench, data: PreparedData, recipe: Recipe, best_step: int | None
) -> MemoryFindings:
    """Read the answers of at most ``rows`` rows of each set, seen exactly as in training, by both models."""
    rows = recipe.evaluation.forgetting.rows
    sets = {"training": data.train, "validation": data.validation, "golden": data.golden}
    readings = {name: _read_answers(models, bench, _drawn(examples, rows), recipe) for name, examples in sets.items()}
    losses = {name: _losses(found) for name, found in readings.items() if len(found) > 1}
    train = losses.pop("training", None)
    gaps = judge_gaps(train, losses, best_step) if train and losses else None
    memorisation = judge_memorisation(readings["training"], readings["validation"] + readings["golden"])
    canaries = make_canaries(recipe.evaluation.forgetting.canaries, recipe.training.seed)
    return MemoryFindings(memorisation, gaps, _exposure(models, bench, canaries, recipe) if canaries else None)


def _read_answers(models: TwoModels, bench: Workbench, examples: Sequence[Example], recipe: Recipe) -> list[Reading]:
    return [reading for reading in read_both(models, _branches(bench, examples, recipe)) if len(reading)]


def _branches(bench: Workbench, examples: Sequence[Example], recipe: Recipe) -> list[Branch]:
    """The last trained turn of each row; rows that cannot be encoded were counted when training began."""
    if not examples:
        return []
    settings = recipe.data.model_copy(update={"on_bad_row": "skip", "on_too_long": "skip"})
    encoded, _ = encode_data(examples, (), bench, settings)
    return [example.branches[-1] for example in encoded.train]


def _losses(readings: Sequence[Reading]) -> SetLosses:
    return SetLosses(
        np.array([reading.tuned_nats_C.sum() for reading in readings]),
        np.array([reading.base_nats_C.sum() for reading in readings]),
        np.array([len(reading) for reading in readings], dtype=np.float64),
    )


def _exposure(models: TwoModels, bench: Workbench, canaries: Sequence[Canary], recipe: Recipe) -> dict[str, Any]:
    base, tuned = [], []
    for canary in canaries:
        branches = _branches(bench, [canary.example(code) for code in canary.codes], recipe)
        readings = read_both(models, branches)
        base.append([float(reading.base_nats_C.sum()) for reading in readings])
        tuned.append([float(reading.tuned_nats_C.sum()) for reading in readings])
    return exposure_report(base, tuned)


def _drawn(examples: Sequence[Example], rows: int) -> Sequence[Example]:
    return examples if len(examples) <= rows else random.Random(rows).sample(list(examples), rows)
