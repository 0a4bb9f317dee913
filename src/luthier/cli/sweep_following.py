"""Follow a sweep to its end and show it: what `luthier sweep` and `luthier resume` do alike."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from luthier.cli.display import Display, display_for
from luthier.cli.interruption import stop_when_asked
from luthier.cli.progress import validated_text
from luthier.cli.sweep_table import standings_text
from luthier.cli.terminal import safe
from luthier.errors import Interrupted
from luthier.events import Event, Noticed, StepFinished, TrainingFailed, Validated, Warned, as_json

if TYPE_CHECKING:
    from luthier.runs import SweepFolder


def follow_sweep(folder: SweepFolder, wants_json: bool) -> None:
    """Run what is left of the sweep in ``folder`` and show it; at the end the table and how to go on."""
    from luthier.runs import sweep

    display = display_for(False)
    shown = SweepDisplay(display)
    with stop_when_asked() as wants_stop:
        try:
            for name, event in sweep(folder, wants_stop):
                if wants_json:
                    _print_json({"candidate": name or None, **as_json(event)})
                else:
                    shown.show(name, event)
        except KeyboardInterrupt:
            raise Interrupted(
                "stopped at once; what came after the last checkpoints is not saved",
                expected="a sweep goes on from its candidates' last checkpoints",
                fix=f"luthier resume {folder.path}",
            ) from None
        finally:
            display.close()
    if wants_json:
        _print_json(folder.standings())
    else:
        click.echo(safe(standings_text(folder.standings(), folder.path)))


class SweepDisplay:
    """Turns the events of many candidates into one story: one bar for all, and lines that name their candidate."""

    def __init__(self, display: Display):
        self._display = display
        self._newest: dict[str, StepFinished] = {}

    def show(self, name: str, event: Event) -> None:
        match event:
            case StepFinished():
                self._newest[name] = event
                self._display.show(self._in_all(event))
            case Validated() if name:
                self._display.show(Noticed(f"{name}: {validated_text(event)}"))
            case Noticed(message) if name:
                self._display.show(Noticed(f"{name}: {message}"))
            case Warned(message) | TrainingFailed(found=message) if name:
                self._display.show(Warned(f"{name}: {message}"))
            case _:
                self._display.show(event)

    def _in_all(self, event: StepFinished) -> StepFinished:
        """Steps of all candidates that have begun; the lowest of their losses."""
        newest = self._newest.values()
        done, total = sum(e.step for e in newest), sum(e.steps for e in newest)
        return replace(event, step=done, steps=total, loss=min(e.loss for e in newest))


def _print_json(line: dict[str, object]) -> None:
    print(json.dumps(line, ensure_ascii=False), file=sys.stdout, flush=True)
