"""`luthier probe`: what more rows would bring, from small trainings side by side on one base."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.verb import Verb, json_option, set_option
from luthier.errors import Interrupted, LuthierError

if TYPE_CHECKING:
    from luthier.runs import ProbeFolder


@click.command(
    "probe",
    cls=Verb,
    example="luthier probe recipe.yaml --set probe.seeds=2 --set probe.least_steps=20",
    help="Train on a few small sets of rows side by side, draw the learning curve, and say what all rows, twice and "
    "five times as many would bring. Ctrl-C saves and says how to go on.",
)
@click.argument("recipe", type=click.Path(path_type=Path))
@json_option("Print one JSON line per event instead, and probe.json at the end.")
@set_option
def command(recipe: Path, wants_json: bool, overrides: tuple[str, ...]) -> None:
    from luthier.recipe import load_recipe

    checked = load_recipe(recipe, overrides)
    from luthier.cli.probe_following import follow_probe
    from luthier.runs import ProbeFolder, refuse_unprobed

    refuse_unprobed(checked)
    folder = ProbeFolder.create(Path(checked.run.folder), checked.run.name, checked)
    if not wants_json:
        click.echo(f"probe: {folder.path}")
    try:
        follow_probe(folder, wants_json)
    except Interrupted:
        raise
    except LuthierError:
        _forget_if_nothing_was_done(folder)
        raise


def _forget_if_nothing_was_done(folder: ProbeFolder) -> None:
    """A probe that failed before its first checkpoint holds nothing to go on with, only a copy of the rows."""
    if not any([*folder.path.glob("trainings/*/checkpoints"), *folder.path.glob("points/*")]):
        shutil.rmtree(folder.path, ignore_errors=True)
