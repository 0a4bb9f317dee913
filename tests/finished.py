"""A finished run's folder as far as reports read it, written in a moment and without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

METRIC = "exact_match"
RECIPE = "data: {train: rows.jsonl}\n"
LEFT: dict[str, dict[str, Any]] = {
    "forgetting.json": {
        "verdict": "green",
        "sentence": "No sign of forgetting.",
        "measures": [],
        "flips": {"won": 0, "lost": 0, "groups": {}, "items": []},
        "memorisation": {},
        "overfitting": {},
        "remedies": [],
        "size": "small",
    },
    "licence.json": {
        "components": [
            {"role": "base", "name": "starter", "licence": "mit", "source": "its text", "is_confirmed": True}
        ],
        "allowed": [{"use": "commercial", "state": "allowed", "sentence": "To use it commercially: allowed."}],
        "duties": [],
        "unknown": [],
        "notice": "Made from starter.",
    },
    "ledger.json": {
        "predicted": {"minutes": 1.0, "operations": 10**12},
        "actual": {"minutes": 2.0, "energy_watt_hours": 0.5, "energy_source": "estimated", "money": 0.25},
        "cost_per_1000_requests": {"base": {"money": 4.0}, "tuned": {"money": 2.0}},
        "break_even": {"base": {"against": "base", "requests": 125, "sentence": "Paid after 125 requests."}},
        "prices": {"currency": "EUR", "checked_on": "2026-11-20", "are_examples": False},
    },
}


def write_run(
    folder: Path,
    scores: Mapping[str, Sequence[float]],
    left: Mapping[str, Mapping[str, Any]] | None = None,
    questions: Sequence[str] | None = None,
    references: Sequence[str] | None = None,
) -> Path:
    """``scores`` of each arm by item; ``left`` are the files of stages."""
    count = len(next(iter(scores.values())))
    (folder / "evaluation").mkdir(parents=True)
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    for arm, marks in scores.items():
        rows = [
            {
                "index": index,
                "input": [{"role": "user", "content": questions[index] if questions else f"question {index}"}],
                "reference": references[index] if references else "yes",
                "answer": "yes" if mark == 1 else f"no, says {arm}",
                "scores": {METRIC: mark},
                "prompt_tokens": 10,
                "completion_tokens": 2,
                "seconds": 0.5,
                "finish_reason": "stop",
            }
            for index, mark in enumerate(marks)
        ]
        text = "\n".join(json.dumps(row) for row in rows) + "\n"
        (folder / "evaluation" / f"{arm}.jsonl").write_text(text, encoding="utf-8")
        (folder / "evaluation" / f"{arm}.notes.json").write_text('{"notes": []}', encoding="utf-8")
    (folder / "report.json").write_text(json.dumps(_report(folder.name, scores, count)), encoding="utf-8")
    for name, content in (left or {}).items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def _report(name: str, scores: Mapping[str, Sequence[float]], count: int) -> dict[str, Any]:
    """As versions before any part was added wrote it."""
    arms = [
        {
            "name": arm,
            "title": arm.capitalize(),
            "metrics": {METRIC: {"mean": sum(marks) / count, "low": 0.0, "high": 1.0, "n": count}},
        }
        for arm, marks in scores.items()
    ]
    return {
        "report_version": 1,
        "verdict": {"decision": "no evidence", "sentence": "Cannot tell.", "reasons": []},
        "run": {
            "id": name,
            "luthier_version": "0.0.1",
            "created": "2026-11-20T13:12:44+00:00",
            "base_model": "starter",
            "method": "lora",
            "recipe": {},
        },
        "primary_metric": METRIC,
        "arms": arms,
        "overfitting": {"verdict": "not measured", "sentence": "Nothing was validated."},
        "licence": {"base": "mit"},
        "ledger": {
            "predicted": {"minutes": 1.5},
            "actual": {"minutes": 2.5, "peak_memory_bytes": 1000},
            "trained_tokens": 10,
            "given_tokens": 20,
            "computed_tokens": 20,
            "steps": 1,
        },
    }
