"""`luthier run`, and what can be done with its run: the whole story on a tiny model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_a_run_ends_with_the_verdict_and_the_report(recipe_file: Path, here: Path, call: Callable[..., Any]):
    outcome = call("run", recipe_file, "--set", "run.name=first")
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    (run,) = (here / "runs").iterdir()
    assert lines[0] == f"run: runs/{run.name}" and run.name.endswith("-first")
    assert lines[-1] == f"report: runs/{run.name}/report.html"
    assert "on 6 items" in lines[-2]
    assert any(line.startswith("  step 4/4  loss ") for line in lines)
    assert "warning: 6 golden rows" in outcome.err
    assert (run / "report.html").is_file()

    resumed = call("resume", "runs")
    assert resumed.code == 0
    assert resumed.out.splitlines()[-1] == lines[-1] and "step 1/4" not in resumed.out

    tuned = call("ask", "runs", "card lost", "--max-new-tokens", 5)
    assert (tuned.code, tuned.err) == (0, "") and tuned.out.endswith("\n")
    assert call("ask", f"runs/{run.name}", "card lost", "--base", "--max-new-tokens", 5).code == 0


def test_json_is_the_events_and_nothing_else(recipe_file: Path, here: Path, call: Callable[..., Any]):
    outcome = call("run", recipe_file, "--json", "--set", "evaluation.arms=[tuned]")
    printed = [json.loads(line) for line in outcome.out.splitlines()]
    (run,) = (here / "runs").iterdir()
    written = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [event["event"] for event in printed] == [event["event"] for event in written]
    assert printed[-1]["event"] == "VerdictReached"
    assert (outcome.code, outcome.err) == (0, "")


def test_a_run_that_never_began_leaves_no_folder(recipe_file: Path, here: Path, call: Callable[..., Any]):
    outcome = call("run", recipe_file, "--set", "data.max_tokens=5")
    assert outcome.code == 3
    assert list((here / "runs").iterdir()) == []
