"""`luthier advise` from a run, from what is said, and from a few questions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import luthier.cli.advise as verb

SCORES = {"base": 0.1, "prompt": 0.5, "tuned": 0.9}


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """As much of a run as advice reads."""
    run = tmp_path / "runs" / "20260101-000000"
    run.mkdir(parents=True)
    (run / "recipe.yaml").write_text("data: {train: rows.jsonl}\n")
    score = {"low": 0.0, "high": 1.0, "n": 400}
    arms = [
        {"name": name, "metrics": {"m": score | {"mean": mean, "low": mean - 0.02, "high": mean + 0.02}}}
        for name, mean in SCORES.items()
    ]
    report = {"primary_metric": "m", "run": {"recipe": {}}, "arms": arms, "preflight": {"rows": {"train": 900}}}
    (run / "report.json").write_text(json.dumps(report))
    return run


def test_a_run_is_advised_on_and_keeps_the_advice(call, finished: Path):
    outcome = call("advise", finished)
    assert outcome.code == 0
    assert outcome.out.startswith("Tune the model.")
    assert json.loads((finished / "advice.json").read_text())["answer"] == "tune"


def test_the_newest_run_is_found_and_json_is_json(call, finished: Path):
    outcome = call("advise", finished.parent, "--set", "freshness=weekly", "--json")
    assert json.loads(outcome.out)["answer"] == "prompt"


def test_what_is_said_is_enough(call):
    outcome = call("advise", "--set", "goal=knowledge")
    assert outcome.code == 0
    assert outcome.out.startswith("Retrieve")


def test_a_slip_is_told(call):
    outcome = call("advise", "--set", "gaol=knowledge")
    assert outcome.code == 2
    assert "did you mean goal?" in outcome.err


def test_without_anything_known_and_nobody_to_ask_it_says_what_it_needs(call):
    outcome = call("advise")
    assert outcome.code != 0
    assert "--set" in outcome.err


def test_on_a_terminal_a_few_questions_are_asked(call, monkeypatch: pytest.MonkeyPatch):
    lines = iter(["behav", "", "loose", "nonsense", "not enough", "", "500", "100"])
    monkeypatch.setattr(verb.sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr(verb.click, "prompt", lambda *_, **__: next(lines))
    outcome = call("advise")
    assert outcome.out.startswith("Tune the model.")
    assert "nonsense" in outcome.err


def test_a_probe_without_a_run_is_not_passed_over(call):
    outcome = call("advise", "--probe", "nowhere", "--set", "goal=behaviour")

    assert outcome.code == 2 and "--probe" in outcome.err
