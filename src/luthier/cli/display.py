"""Draws a run as it happens: headings and lines, and on a terminal one bar that is redrawn in place."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from typing import IO, Protocol, assert_never

from luthier.cli.progress import (
    Pace,
    bar_line,
    items_text,
    stage_text,
    step_text,
    tenth,
    turn_text,
    validated_text,
)
from luthier.cli.terminal import allows_color, painted, safe
from luthier.events import (
    BestTaken,
    CheckpointSaved,
    Event,
    InstabilityFound,
    ItemsAnswered,
    Noticed,
    RolledBack,
    StageStarted,
    StepFinished,
    StoppedEarly,
    TrainingFailed,
    Validated,
    ValidationSampled,
    VerdictReached,
    Warned,
    WeightsSaved,
    as_json,
)

REDRAW_SECONDS = 0.1
_CLEAR_LINE = "\r\x1b[K"


class Display(Protocol):
    """What can be shown events; ``close`` leaves the cursor on a line of its own."""

    def show(self, event: Event) -> None: ...

    def close(self) -> None: ...


class JsonLines:
    """One event per line, for programs."""

    def __init__(self, out: IO[str]):
        self._out = out

    def show(self, event: Event) -> None:
        print(json.dumps(as_json(event), ensure_ascii=False), file=self._out, flush=True)

    def close(self) -> None:
        pass


class Progress:
    """For people. Without a terminal a long stage tells a line per tenth, so that a log stays readable."""

    def __init__(
        self, out: IO[str], warnings: IO[str], clock: Callable[[], float] = time.monotonic, columns: int | None = None
    ):
        self._out, self._warnings, self._clock, self._columns = out, warnings, clock, columns
        self._is_terminal = out.isatty()
        self._color = allows_color(out)
        self._pace = Pace()
        self._tenths: dict[str, int] = {}
        self._drawn_at = float("-inf")
        self._has_bar = False

    def show(self, event: Event) -> None:
        match event:
            case StageStarted():
                self._line(painted(safe(stage_text(event)), self._color, bold=True))
            case Noticed(message):
                self._line(f"  {safe(message)}")
            case Warned(message):
                self._warn(message)
            case StepFinished():
                self._pace = self._pace.after(event)
                self._advance("train", event.step, event.steps, step_text(event, self._pace))
            case Validated():
                self._line(f"  {validated_text(event)}")
            case CheckpointSaved() | WeightsSaved() | ValidationSampled():
                pass  # no news to people; they are in events.jsonl
            case InstabilityFound(message=message) | TrainingFailed(found=message):
                self._warn(message)
            case RolledBack() | StoppedEarly() | BestTaken():
                self._line(f"  {turn_text(event)}")
            case ItemsAnswered():
                self._advance(event.arm, event.done, event.total, items_text(event))
            case VerdictReached(sentence=sentence):
                self._line(painted(safe(sentence), self._color, bold=True))
            case _:
                assert_never(event)

    def close(self) -> None:
        if self._has_bar:
            print(file=self._out, flush=True)
            self._has_bar = False

    def _advance(self, name: str, done: int, total: int, text: str) -> None:
        """A bar while it goes on, a line when it is done; without a terminal a line when a tenth is full."""
        tenths, before = tenth(done, total), self._tenths.get(name, 0)
        self._tenths[name] = tenths
        if tenths == 10:
            # Arms tell their end twice when the last item and the last tick fall together.
            if before < 10:
                self._line(f"  {text}")
        elif self._is_terminal:
            self._draw(done, total, text)
        elif tenths > before:
            self._line(f"  {text}")

    def _draw(self, done: int, total: int, text: str) -> None:
        now = self._clock()
        if now - self._drawn_at < REDRAW_SECONDS:
            return
        self._drawn_at = now
        columns = self._columns or shutil.get_terminal_size().columns
        print(_CLEAR_LINE + bar_line(done, total, text, columns), end="", file=self._out, flush=True)
        self._has_bar = True

    def _line(self, text: str) -> None:
        self._wipe()
        print(text, file=self._out, flush=True)

    def _warn(self, message: str) -> None:
        self._wipe()
        head = painted("warning:", allows_color(self._warnings), fg="yellow")
        print(f"{head} {safe(message)}", file=self._warnings, flush=True)

    def _wipe(self) -> None:
        if self._has_bar:
            print(_CLEAR_LINE, end="", file=self._out, flush=True)
            self._has_bar = False


def display_for(wants_json: bool) -> Display:
    return JsonLines(sys.stdout) if wants_json else Progress(sys.stdout, sys.stderr)
