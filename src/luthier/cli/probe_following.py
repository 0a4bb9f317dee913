"""Follow a probe to its end and show it: what `luthier probe` and `luthier resume` do alike."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from luthier.cli.display import display_for
from luthier.cli.interruption import stop_when_asked
from luthier.cli.probe_table import probe_text
from luthier.cli.sweep_following import SweepDisplay
from luthier.cli.terminal import safe
from luthier.errors import Interrupted
from luthier.events import as_json

if TYPE_CHECKING:
    from luthier.runs import ProbeFolder


def follow_probe(folder: ProbeFolder, wants_json: bool) -> None:
    """Run what is left of the probe in ``folder`` and show it; at the end the curve, the forecasts and the sentence."""
    from luthier.runs import probe

    display = display_for(False)
    shown = SweepDisplay(display)
    with stop_when_asked() as wants_stop:
        try:
            for name, event in probe(folder, wants_stop):
                if wants_json:
                    _print_json({"training": name or None, **as_json(event)})
                else:
                    shown.show(name, event)
        except KeyboardInterrupt:
            raise Interrupted(
                "stopped at once; what came after the last checkpoints is not saved",
                expected="a probe goes on from its trainings' last checkpoints",
                fix=f"luthier resume {folder.path}",
            ) from None
        finally:
            display.close()
    if wants_json:
        _print_json(folder.result())
    else:
        click.echo(safe(probe_text(folder.result(), folder.path)))


def _print_json(line: dict[str, object]) -> None:
    print(json.dumps(line, ensure_ascii=False), file=sys.stdout, flush=True)
