"""From events to the words and bars that people read. Pure: nothing here writes to a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from luthier.events import (
    BestTaken,
    ItemsAnswered,
    RolledBack,
    StageStarted,
    StepFinished,
    StoppedEarly,
    Validated,
)

RECENT_STEPS = 20
BAR_COLUMNS = 30
LEAST_BAR_COLUMNS = 8


@dataclass(frozen=True)
class Pace:
    """How fast the last steps were; long ago does not count, because rows differ and machines get busy."""

    recent: tuple[StepFinished, ...] = ()

    def after(self, event: StepFinished) -> Pace:
        return Pace((*self.recent, event)[-RECENT_STEPS:])

    @property
    def tokens_per_second(self) -> float:
        """Given tokens: what the rows hold, not what was left to compute after folding."""
        return sum(event.given_tokens for event in self.recent) / max(self._seconds, 1e-9)

    def seconds_left(self) -> float:
        if not self.recent:
            return 0.0
        last = self.recent[-1]
        return (last.steps - last.step) * self._seconds / len(self.recent)

    @property
    def _seconds(self) -> float:
        return sum(event.seconds for event in self.recent)


def stage_text(event: StageStarted) -> str:
    return f"{event.stage}: {event.detail}" if event.detail else event.stage


def step_text(event: StepFinished, pace: Pace) -> str:
    """`step 120/375  loss 1.2345  3,456 tokens/s  2 min 10 s left`."""
    left = "done" if event.step == event.steps else f"{duration_text(pace.seconds_left())} left"
    speed = f"{pace.tokens_per_second:,.0f} tokens/s"
    return f"step {event.step}/{event.steps}  loss {event.loss:.4f}  {speed}  {left}"


def validated_text(event: Validated) -> str:
    place = f"step {event.step}" if event.step else "before training"
    return f"{place}: validation loss {event.loss:.4f}"


def turn_text(event: RolledBack | StoppedEarly | BestTaken) -> str:
    """Where the course of a training changes."""
    match event:
        case RolledBack():
            return (
                f"step {event.step}: back to the state after step {event.to_step}, "
                f"learning rates times {event.rate_factor:g}"
            )
        case StoppedEarly():
            return (
                f"stopped after step {event.step} of {event.steps}: {event.patience} validations brought no lower loss"
            )
        case BestTaken():
            return f"the state after step {event.step} is taken: validation loss {event.loss:.4f}"
        case _:
            assert_never(event)


def items_text(event: ItemsAnswered) -> str:
    """`arm few-shot: 40/200 answered  1 min 2 s left`; the time it took once all are."""
    if event.done >= event.total:
        end = f"in {duration_text(event.seconds)}"
    else:
        end = f"{duration_text(event.seconds / max(event.done, 1) * (event.total - event.done))} left"
    return f"arm {event.arm}: {event.done}/{event.total} answered  {end}"


def duration_text(seconds: float) -> str:
    """Two units at most: nobody waits by the second for an hour."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def bar_line(done: int, total: int, text: str, columns: int) -> str:
    """A bar and its words on one line that is sure to fit, since a wrapped line cannot be redrawn in place."""
    # "[", "]" and a space; and terminals wrap when the last column is filled.
    room = min(BAR_COLUMNS, columns - len(text) - 4)
    if room < LEAST_BAR_COLUMNS:
        return text[: max(columns - 1, 0)]
    filled = round(room * share(done, total))
    return f"[{'#' * filled}{'.' * (room - filled)}] {text}"


def share(done: int, total: int) -> float:
    return min(done / total, 1.0) if total else 1.0


def tenth(done: int, total: int) -> int:
    """How many tenths are done: a line per tenth is enough for a log."""
    return int(10 * share(done, total))
