"""Lines of a run become events of its job: each step once, complete, in the platform's words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from luthier.jobs.tuning.following import Following, StateSaved, WeightsLeft, read_on
from luthier.store import Fact


def step(number: int, **more: Any) -> dict[str, Any]:
    counted = {"trained_tokens": 10, "right_tokens": 4, "seconds": 2.0}
    return {"event": "StepFinished", "time": 5.0, "step": number, "steps": 4, "loss": 1.5, **counted, **more}


def validated(number: int, kind: str = "Validated") -> dict[str, Any]:
    return {"event": kind, "time": 5.0, "step": number, "loss": 0.25, "trained_tokens": 8, "right_tokens": 6}


def saved(number: int, kind: str) -> dict[str, Any]:
    epoch = {"is_epoch": True} if kind == "WeightsSaved" else {}
    return {"event": kind, "time": 6.0, "step": number, "folder": f"f/{number}", **epoch}


def write(folder: Path, *events: dict[str, Any] | str) -> None:
    lines = [event if isinstance(event, str) else json.dumps(event) + "\n" for event in events]
    with (folder / "events.jsonl").open("a", encoding="utf-8") as stream:
        stream.write("".join(lines))


def test_a_step_waits_for_its_validation_and_is_told_with_it(tmp_path: Path):
    write(tmp_path, step(1), validated(1, "ValidationSampled"), validated(1))
    following, told = read_on(Following(), tmp_path)
    assert told == ()
    write(tmp_path, step(2))
    following, told = read_on(following, tmp_path)
    (fact,) = told
    assert isinstance(fact, Fact) and fact.once == "step:1" and fact.type == "metrics"
    assert fact.message == "Step 1/4: training loss=1.50, validation loss=0.25, full validation loss=0.25"
    assert fact.data == {
        "step": 1, "total_steps": 4, "train_loss": 1.5, "train_mean_token_accuracy": 0.4,
        "valid_loss": 0.25, "valid_mean_token_accuracy": 0.75,
        "full_valid_loss": 0.25, "full_valid_mean_token_accuracy": 0.75,
    }  # fmt: skip
    assert following.remaining_seconds == 4.0


def test_weights_carry_the_metrics_of_their_step(tmp_path: Path):
    write(tmp_path, step(1), saved(1, "WeightsSaved"), validated(1), saved(1, "CheckpointSaved"))
    _, told = read_on(Following(), tmp_path)
    assert [type(one) for one in told] == [Fact, WeightsLeft, StateSaved]
    weights = told[1]
    assert isinstance(weights, WeightsLeft) and weights.metrics["full_valid_loss"] == 0.25
    assert weights.metrics["step"] == 1 and "total_steps" not in weights.metrics


def test_the_end_lets_go_of_the_last_step(tmp_path: Path):
    write(tmp_path, step(4))
    _, told = read_on(Following(), tmp_path, is_over=True)
    assert [fact.once for fact in told if isinstance(fact, Fact)] == ["step:4"]


def test_a_step_cut_off_before_its_validation_is_told_when_it_comes_again(tmp_path: Path):
    write(tmp_path, step(1), step(2), '{"event": "Valid', "\n", step(2), validated(2), step(3))
    _, told = read_on(Following(), tmp_path)
    assert [fact.message for fact in told if isinstance(fact, Fact)] == [
        "Step 1/4: training loss=1.50",
        "Step 2/4: training loss=1.50, full validation loss=0.25",
    ]


def test_a_line_is_read_when_it_is_whole_and_only_once(tmp_path: Path):
    line = json.dumps({"event": "Warned", "message": "cut", "time": 1})
    write(tmp_path, line[:10])
    following, told = read_on(Following(), tmp_path)
    assert told == ()
    write(tmp_path, line[10:] + "\n")
    following, told = read_on(following, tmp_path)
    assert [(fact.level, fact.message) for fact in told if isinstance(fact, Fact)] == [("warn", "cut")]
    assert read_on(following, tmp_path)[1] == ()


def test_an_empty_folder_tells_nothing(tmp_path: Path):
    assert read_on(Following(), tmp_path, is_over=True) == (Following(), ())
