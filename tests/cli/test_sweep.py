"""`luthier sweep`, what can be done with its winner, and what it refuses before anything is loaded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WATCHED = ("--set", "data.validation_fraction=0.3", "--set", "training.epochs=2")


def test_a_sweep_ends_with_the_table_the_winner_and_the_way_on(recipe_file: Path, here: Path, call: Callable[..., Any]):
    outcome = call(
        "sweep", recipe_file, "--over", "training.learning_rate=1e-2,1e-4", "--over", "method.rank=2", *WATCHED
    )
    assert outcome.code == 0, outcome.err
    (folder,) = (here / "runs").iterdir()
    lines = outcome.out.splitlines()
    assert lines[0] == f"sweep: runs/{folder.name}" and folder.name.endswith("-sweep")
    table = lines.index(next(line for line in lines if line.startswith("candidate ")))
    assert lines[table + 1].startswith("01-learning_rate-0.01-rank-2 ") and lines[table + 1].endswith("  winner")
    assert lines[table + 2].startswith("02-learning_rate-0.0001-rank-2 ")
    assert "on the same 12 rows, p = " in lines[-3]
    run = f"runs/{folder.name}/candidates/01-learning_rate-0.01-rank-2"
    assert lines[-2].endswith(f"luthier resume {run}")
    assert lines[-1].endswith(f"luthier run runs/{folder.name}/winner.yaml")

    assert call("ask", f"runs/{folder.name}", "card lost", "--max-new-tokens", 5).code == 0
    again = call("resume", f"runs/{folder.name}")
    assert (
        again.code == 0 and again.out.splitlines()[-1] == lines[-1] and "step " not in again.out.split("candidate ")[0]
    )
    assert call("resume", run).code == 0 and (here / run / "report.html").is_file()


def test_json_is_events_with_their_candidate_and_the_standings_at_the_end(
    recipe_file: Path, here: Path, call: Callable[..., Any]
):
    over = ("--set", "sweep.over={method.rank: [2, 4]}", "--set", "training.epochs=0.5")
    outcome = call("sweep", recipe_file, "--json", *over, *WATCHED[:2])
    assert (outcome.code, outcome.err) == (0, "")
    *events, standings = [json.loads(line) for line in outcome.out.splitlines()]
    assert {event["candidate"] for event in events} == {None, "01-rank-2", "02-rank-4"}
    (folder,) = (here / "runs").iterdir()
    assert standings == json.loads((folder / "sweep.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--over", "training.learning_rte=1,2"), "did you mean training.learning_rate?"),
        (("--over", "method.rank=4,none"), "sweep.over method.rank="),
        (("--over", "method.rank"), "--over section.key=value,value"),
        ((), "at least two values of one setting"),
    ],
)
def test_a_mistake_is_told_and_leaves_no_folder(
    recipe_file: Path, here: Path, call: Callable[..., Any], arguments: tuple[str, ...], found: str
):
    outcome = call("sweep", recipe_file, *arguments)
    assert outcome.code == 2 and found in outcome.err
    assert not (here / "runs").exists()


def test_a_sweep_that_never_began_leaves_no_folder(recipe_file: Path, here: Path, call: Callable[..., Any]):
    outcome = call("sweep", recipe_file, "--over", "method.rank=2,4", "--set", "data.max_tokens=5")
    assert outcome.code == 3
    assert list((here / "runs").iterdir()) == []
