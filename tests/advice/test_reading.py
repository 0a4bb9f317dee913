"""A finished run tells what it measured; what is missing or damaged is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from luthier.advice import decide_approach
from luthier.advice.reading import evidence_of_run
from luthier.errors import StorageError

METRIC = "exact_match"


def score(mean: float, half: float = 0.02) -> dict[str, Any]:
    return {METRIC: {"mean": mean, "low": mean - half, "high": mean + half, "n": 500}}


def report(**changes: Any) -> dict[str, Any]:
    arms = {"base": 0.1, "prompt": 0.5, "rag": 0.4, "tuned": 0.9, "big": 0.6}
    advice = {"goal": "behaviour", "freshness": "unknown", "use": "commercial", "target_score": None}
    remote = [{"name": "big", "solver": "few-shot", "model": "gpt-5.4"}]
    return {
        "primary_metric": METRIC,
        "run": {"recipe": {"evaluation": {"advice": advice, "remote_arms": remote}}},
        "arms": [{"name": name, "metrics": score(mean), "seconds_per_request": 0.1} for name, mean in arms.items()],
        "comparisons": [
            {"better": "tuned", "worse": "prompt", "metric": METRIC, "difference": 0.4, "low": 0.35, "high": 0.45}
            | {"adjusted_p": 0.001, "more_items_needed": None}
        ],
        "baseline": None,
        "preflight": {
            "rows": {"train": 700, "validation": 100, "golden": 200},
            "bad_rows": {"count": 0},
            "conflicting_answers": {"rows": 100},
            "findings": [{"severity": "stop", "message": "there are no answers"}],
        },
    } | changes


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write(tmp_path, "report", report())
    return tmp_path


def write(folder: Path, name: str, values: Any) -> None:
    (folder / f"{name}.json").write_text(json.dumps(values), encoding="utf-8")


def test_passages_shown_are_told_where_documents_were_searched(run: Path):
    told = report()
    told["arms"][2]["retrieval"] = {"recall_at_k": 0.99, "recall_shown": 0.95, "looked_up_in": "documents"}
    told["arms"][1]["retrieval"] = {"recall_at_k": 1.0, "recall_shown": 1.0, "looked_up_in": "training rows"}
    write(run, "report", told)
    assert evidence_of_run(run).passages_found == 0.95


def test_a_report_tells_arms_rows_and_checks(run: Path):
    found = evidence_of_run(run)
    assert (found.rows, found.golden_rows, found.goal) == (700, 200, "behaviour")
    assert [arm.kind for arm in found.arms] == ["prompt", "prompt", "rag", "tune", "few-shot"]
    assert found.differences[0].is_settled
    assert found.checks and found.checks.conflicting_share == 0.1
    assert found.checks.stops == ("there are no answers",)
    assert decide_approach(found).answer == "tune"


def test_what_stages_left_beside_it_is_read(run: Path):
    write(run, "forgetting", {"verdict": "red"})
    write(
        run, "licence", {"allowed": [{"use": "commercial", "state": "forbidden"}, {"use": "tune", "state": "allowed"}]}
    )
    write(run, "ledger", {"actual": {"money": 3.0}, "cost_per_1000_requests": {"tuned": {"money": 0.25}}})
    write(run, "probe", {"forecast": {"double": {"gain": 0.1, "low": 0.05, "high": 0.15}}, "limit": "amount"})
    found = evidence_of_run(run)
    assert (found.forgetting, found.licence, found.hardware.training_cost) == ("red", "forbidden", 3.0)
    assert next(arm for arm in found.arms if arm.name == "tuned").cost_per_1000_requests == 0.25
    assert found.probe and found.probe.gain == 0.1
    assert evidence_of_run(run, {"use": "private"}).licence == "allowed"


def test_what_is_said_counts_more_than_the_recipe(run: Path):
    assert evidence_of_run(run, {"goal": "knowledge"}).goal == "knowledge"


def test_a_classifier_that_does_as_well_is_told_and_advised_where_a_label_is_enough(tmp_path: Path):
    baseline = {"name": "tf-idf", "metric": METRIC, "mean": 0.92, "low": 0.9, "high": 0.94, "n": 500}
    write(tmp_path, "report", report(baseline=baseline))
    advice = decide_approach(evidence_of_run(tmp_path))
    assert advice.answer == "tune"
    assert any("tf-idf 92.0" in reason.sentence for reason in advice.reasons)
    assert any("needs_language_model=false" in change for change in advice.would_change)
    assert decide_approach(evidence_of_run(tmp_path, {"needs_language_model": False})).answer == "revisit the goal"


def test_an_unfinished_run_and_a_folder_without_a_probe_are_told(tmp_path: Path, run: Path):
    with pytest.raises(StorageError, match=r"no report\.json"):
        evidence_of_run(tmp_path / "none")
    with pytest.raises(StorageError, match=r"no probe\.json"):
        evidence_of_run(run, probe=tmp_path / "none")


def test_a_damaged_file_is_told(run: Path):
    (run / "ledger.json").write_text("{", encoding="utf-8")
    with pytest.raises(StorageError, match="damaged"):
        evidence_of_run(run)
