"""The one stream: everything that happens in a run, as small frozen facts.

Machines yield events; whoever composes a run writes them to `events.jsonl`, draws a progress bar, or both.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any, Literal


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
    """One optimizer step. ``loss`` is nats per trained token over the whole step.

    ``right_tokens``: how many trained tokens the model would have chosen itself; None where that is not counted.
    """

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
    right_tokens: int | None = None


@dataclass(frozen=True)
class Validated:
    """Mean loss on the validation examples after ``step`` steps, in nats per trained token."""

    step: int
    loss: float
    trained_tokens: int
    right_tokens: int | None = None


@dataclass(frozen=True)
class ValidationSampled:
    """The same on a few validation examples only, between two validations."""

    step: int
    loss: float
    trained_tokens: int
    right_tokens: int | None = None


@dataclass(frozen=True)
class CheckpointSaved:
    step: int
    folder: str


@dataclass(frozen=True)
class WeightsSaved:
    """The tuned weights after ``step`` steps lie in ``folder``, in the layout of a finished run's.

    ``is_epoch``: an epoch ends here; otherwise the run was asked to stop.
    """

    step: int
    folder: str
    is_epoch: bool


@dataclass(frozen=True)
class SuspectRow:
    """A training example and its loss, in nats per trained token; None when that is not finite."""

    name: str
    loss: float | None


@dataclass(frozen=True)
class InstabilityFound:
    """A step unlike those before it, told before its update; the trouble showed first at ``since_step``.

    ``seen`` is None when it is not finite. ``rows`` are the worst of the step's ``step_rows`` rows, worst first.
    """

    step: int
    since_step: int
    kind: Literal["gradient spike", "loss explosion", "not finite"]
    message: str
    seen: float | None
    limit: float | None
    rows: tuple[SuspectRow, ...]
    step_rows: int


@dataclass(frozen=True)
class RolledBack:
    """The run goes on from the state after ``to_step`` steps; its learning rates are multiplied by ``rate_factor``."""

    step: int
    to_step: int
    rate_factor: float
    rollbacks: int


@dataclass(frozen=True)
class StoppedEarly:
    """``patience`` validations in a row brought no lower loss, so the run ends after ``step`` of ``steps`` steps."""

    step: int
    steps: int
    patience: int


@dataclass(frozen=True)
class BestTaken:
    """What the run leaves is the state after ``step`` steps, which had the lowest validation loss (nats per token)."""

    step: int
    loss: float
    last_step: int


@dataclass(frozen=True)
class TrainingFailed:
    """One of several trainings side by side ends before its step ``step``, with an error; the others go on."""

    step: int
    found: str
    expected: str
    fix: str


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


Event = (
    StageStarted
    | Noticed
    | Warned
    | StepFinished
    | Validated
    | ValidationSampled
    | CheckpointSaved
    | WeightsSaved
    | InstabilityFound
    | RolledBack
    | StoppedEarly
    | BestTaken
    | TrainingFailed
    | ItemsAnswered
    | VerdictReached
)


def as_json(event: Event) -> dict[str, Any]:
    """One line of `events.jsonl`: the event's name, the wall clock (Unix seconds) and its fields."""
    return {"event": type(event).__name__, "time": round(time.time(), 3), **dataclasses.asdict(event)}
