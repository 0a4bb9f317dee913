"""The one stream: everything that happens in a run, as small frozen facts.

Machines yield events; whoever composes a run writes them to `events.jsonl`, draws a progress bar, or both.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StageStarted:
    """A part of the run begins: "read", "split", "tokenize", "train", "evaluate", "report"."""

    stage: str
    detail: str = ""


@dataclass(frozen=True)
class Noticed:
    """Something worth telling: a format that was detected, a value that was chosen, and why."""

    message: str


@dataclass(frozen=True)
class Warned:
    """Something that may be wrong but does not stop the run."""

    message: str


@dataclass(frozen=True)
class StepFinished:
    """One optimizer step. ``loss`` is nats per trained token over the whole step."""

    step: int
    steps: int
    epoch: float
    loss: float
    learning_rate: float
    gradient_norm: float
    trained_tokens: int
    given_tokens: int
    computed_tokens: int
    seconds: float


@dataclass(frozen=True)
class Validated:
    """Mean loss on the validation examples after ``step`` steps, in nats per trained token."""

    step: int
    loss: float
    trained_tokens: int


@dataclass(frozen=True)
class CheckpointSaved:
    step: int
    folder: str


@dataclass(frozen=True)
class ItemsAnswered:
    """Progress of one evaluation arm."""

    arm: str
    done: int
    total: int
    seconds: float


@dataclass(frozen=True)
class VerdictReached:
    decision: str
    sentence: str


Event = StageStarted | Noticed | Warned | StepFinished | Validated | CheckpointSaved | ItemsAnswered | VerdictReached


def as_json(event: Event) -> dict[str, Any]:
    """One line of `events.jsonl`: the event's name, the wall clock (Unix seconds) and its fields."""
    return {"event": type(event).__name__, "time": round(time.time(), 3), **dataclasses.asdict(event)}
