"""Follow a run to its end: what `luthier run` and `luthier resume` do alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from luthier.cli.display import display_for
from luthier.cli.interruption import stop_when_asked
from luthier.cli.terminal import safe
from luthier.errors import Interrupted

if TYPE_CHECKING:
    from luthier.runs import RunFolder


def follow(folder: RunFolder, wants_json: bool) -> None:
    """Run what is left of the run in ``folder`` and show it; at the end say where the report is."""
    from luthier.runs import finetune

    display = display_for(wants_json)
    with stop_when_asked() as wants_stop:
        try:
            for event in finetune(folder, wants_stop):
                display.show(event)
        except KeyboardInterrupt:
            raise Interrupted(
                "stopped at once; what came after the last checkpoint is not saved",
                expected="a run goes on from its last checkpoint",
                fix=f"luthier resume {folder.path}",
            ) from None
        finally:
            display.close()
    if not wants_json:
        click.echo(safe(f"report: {folder.report_html}"))
