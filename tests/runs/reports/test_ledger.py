"""A run leaves what it was predicted to cost and what it did cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from luthier.events import StepFinished
from luthier.recipe import Recipe
from luthier.runs import RunFolder
from luthier.runs.reports.ledger import write_ledger

CONFIG = {
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
COST = {"prompt_tokens": 100.0, "completion_tokens": 5.0, "cached_tokens": 0.0, "seconds": 0.2, "money": None}
FACTS: dict[str, Any] = {
    "contract": {"counts": {"tokens": 1000, "branches": 20, "trained_tokens": 100}},
    "resolved": {
        "training.steps": {"value": 2},
        "forecast.minutes": {"value": 0.5},
        "forecast.computed_tokens": {"value": 2000},
        "forecast.peak_memory_bytes": {"value": 10**9},
    },
    "environment": {"device": "cpu", "processor": "AMD EPYC", "threads": 2},
    "peak_memory_bytes": 9 * 10**8,
}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder.create(tmp_path, None, Recipe.model_validate({"data": {"train": "rows.jsonl"}}))
    for step in (1, 2):
        run.record(StepFinished(step, 2, 1.0, 2.0, 1e-3, 1.0, 50, 1000, 900, 12.0))
    for name in ("base", "tuned"):
        run.write_text(f"evaluation/{name}.notes.json", json.dumps({"cost": COST}))
    return run


def ledger(run: RunFolder, config: dict[str, Any], **facts: Any) -> dict[str, Any]:
    write_ledger(run, run.recipe, config, FACTS | facts)
    return json.loads((run.path / "ledger.json").read_text(encoding="utf-8"))


def test_predicted_and_actual_lie_side_by_side(folder: RunFolder):
    found = ledger(folder, CONFIG)
    assert (found["predicted"]["minutes"], found["actual"]["minutes"]) == (0.5, pytest.approx(0.4))
    assert (found["predicted"]["computed_tokens"], found["actual"]["computed_tokens"]) == (2000, 1800)
    assert found["actual"]["operations"] > 0
    assert set(found["cost_per_1000_requests"]) == {"base", "tuned"}
    assert set(found["break_even"]) == {"base"}


def test_the_first_steps_of_a_long_training_foretell_it_again(folder: RunFolder):
    assert ledger(folder, CONFIG)["calibrated"] is None
    for step in range(1, 31):
        folder.record(StepFinished(step, 30, 1.0, 2.0, 1e-3, 1.0, 50, 1000, 900, 12.0 if step > 1 else 42.0))
    resolved = FACTS["resolved"] | {"training.steps": {"value": 30}, "forecast.computed_tokens": {"value": 27_000}}
    found = ledger(folder, CONFIG, resolved=resolved)
    assert found["calibrated"]["minutes"] == pytest.approx((30 * 12 + 30) / 60)
    assert found["calibrated"]["money"] > 0


def test_energy_that_was_read_is_told_as_measured(folder: RunFolder):
    found = ledger(folder, CONFIG, energy={"joules": 360.0, "seconds": 24.0})["actual"]
    assert (found["energy_source"], found["energy_watt_hours"]) == ("measured", pytest.approx(0.1))


def test_a_model_that_no_formula_fits_leaves_the_operations_out(folder: RunFolder):
    assert ledger(folder, {})["actual"]["operations"] is None
