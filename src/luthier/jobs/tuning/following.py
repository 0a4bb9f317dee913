"""From a run's `events.jsonl` to what a job tells: one metrics event per step, checkpoints, warnings.

A step's numbers come in several lines (training, then validation, then saved weights). They are held until the next
step, a saved state or the end shows that they are complete. A run that goes on after a crash repeats steps; the job's
events know each step by its number, so every step is told once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from luthier.jobs.tuning import wording
from luthier.store import Fact

EVENTS_FILE = "events.jsonl"
# The mean over so many steps tells how long the rest will take.
PACE_STEPS = 20


@dataclass(frozen=True)
class WeightsLeft:
    """Weights that can be served, with the metrics of their step."""

    step: int
    folder: str
    is_epoch: bool
    at: int
    metrics: dict[str, Any]


@dataclass(frozen=True)
class StateSaved:
    """Everything needed to go on after ``step`` lies in ``folder``."""

    step: int
    folder: str


Told = Fact | WeightsLeft | StateSaved


@dataclass(frozen=True)
class Following:
    """``offset``: bytes of the file that were read. ``held``: the numbers of a step that may not be complete."""

    offset: int = 0
    held: dict[str, Any] | None = None
    held_at: int = 0
    weights: tuple[WeightsLeft, ...] = ()
    seconds: tuple[float, ...] = field(default=())
    last_step: int = 0
    total_steps: int = 0

    @property
    def remaining_seconds(self) -> float | None:
        """What the steps still to come will take, judged by the last ones."""
        if not self.seconds:
            return None
        return (self.total_steps - self.last_step) * sum(self.seconds) / len(self.seconds)


def read_on(following: Following, folder: Path, is_over: bool = False) -> tuple[Following, tuple[Told, ...]]:
    """All whole lines since the last time, and, when the run ``is_over``, what was still held."""
    told: list[Told] = []
    file = folder / EVENTS_FILE
    if file.exists():
        with file.open("rb") as stream:
            stream.seek(following.offset)
            text = stream.read()
        whole, newline, _ = text.rpartition(b"\n")
        for line in whole.split(b"\n") if newline else ():
            following, more = _take(following, line)
            told += more
        following = replace(following, offset=following.offset + len(whole) + len(newline))
    if is_over:
        following, more = _let_go(following)
        told += more
    return following, tuple(told)


def _take(following: Following, line: bytes) -> tuple[Following, tuple[Told, ...]]:
    try:
        event = json.loads(line)
    except ValueError:
        return following, ()  # a run was killed while it wrote this line
    at = int(event.get("time", 0))
    match event.get("event"):
        case "StepFinished":
            before, told = _before_step(following, event["step"])
            seconds = (*before.seconds[-PACE_STEPS + 1 :], event["seconds"])
            held = _training_numbers(event)
            last, total = event["step"], event["steps"]
            return replace(before, held=held, held_at=at, seconds=seconds, last_step=last, total_steps=total), told
        case "ValidationSampled" | "Validated" as kind if following.held and following.held["step"] == event["step"]:
            prefix = "valid" if kind == "ValidationSampled" else "full_valid"
            return replace(following, held=following.held | _validation_numbers(event, prefix)), ()
        case "WeightsSaved":
            left = WeightsLeft(event["step"], event["folder"], event["is_epoch"], at, {})
            return replace(following, weights=(*following.weights, left)), ()
        case "CheckpointSaved":
            after, told = _let_go(following)
            return after, (*told, StateSaved(event["step"], event["folder"]))
        case "Warned" | "InstabilityFound":
            return following, (Fact(event["message"], level="warn", created_at=at, once=_once(event["message"])),)
        case _:
            return following, ()


def _before_step(following: Following, step: int) -> tuple[Following, tuple[Told, ...]]:
    """A step that comes again was cut off by a crash before its numbers were complete: they will come again too."""
    if following.held is not None and step <= following.held["step"]:
        return replace(following, held=None, weights=()), ()
    return _let_go(following)


def _let_go(following: Following) -> tuple[Following, tuple[Told, ...]]:
    held = following.held
    told: list[Told] = []
    if held is not None:
        once = f"step:{held['step']}"
        told.append(Fact(wording.step(held), type="metrics", data=held, once=once, created_at=following.held_at))
    for left in following.weights:
        metrics = _of_checkpoint(held) if held is not None and held["step"] == left.step else {"step": left.step}
        told.append(replace(left, metrics=metrics))
    return replace(following, held=None, weights=()), tuple(told)


def _training_numbers(event: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {"step": event["step"], "total_steps": event["steps"], "train_loss": event["loss"]}
    return numbers | _accuracy(event, "train_mean_token_accuracy")


def _validation_numbers(event: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {f"{prefix}_loss": event["loss"]} | _accuracy(event, f"{prefix}_mean_token_accuracy")


def _accuracy(event: Mapping[str, Any], name: str) -> dict[str, float]:
    """The share of trained tokens that the model would have chosen itself."""
    right, tokens = event.get("right_tokens"), event["trained_tokens"]
    return {} if right is None or not tokens else {name: right / tokens}


def _of_checkpoint(numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in numbers.items() if name != "total_steps"}


def _once(message: str) -> str:
    """A warning that a run repeats after a crash is told once too."""
    return f"warn:{message[:110]}"
