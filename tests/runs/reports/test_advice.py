"""A run ends with what to do."""

from __future__ import annotations

import json
from pathlib import Path

from luthier.recipe import Recipe
from luthier.runs import RunFolder
from luthier.runs.reports.advice import write_advice


def test_the_advice_follows_from_the_report(tmp_path: Path):
    recipe = Recipe.model_validate({"data": {"train": "rows.jsonl"}})
    folder = RunFolder.create(tmp_path, None, recipe)
    arms = [
        {"name": name, "metrics": {"m": {"mean": mean, "low": mean - 0.02, "high": mean + 0.02, "n": 300}}}
        for name, mean in (("prompt", 0.4), ("tuned", 0.8))
    ]
    report = {"primary_metric": "m", "run": {"recipe": recipe.model_dump(mode="json")}, "arms": arms}
    folder.write_text("report.json", json.dumps(report))
    advice = write_advice(folder)
    written = json.loads((folder.path / "advice.json").read_text(encoding="utf-8"))
    assert advice.answer == written["answer"] == "tune"
