"""`luthier run`: from a recipe to a judged, tuned model."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.verb import Verb, json_option, set_option
from luthier.errors import Interrupted, LuthierError

if TYPE_CHECKING:
    from luthier.runs import RunFolder


@click.command(
    "run",
    cls=Verb,
    example="luthier run recipe.yaml --set training.epochs=1",
    help="Fine-tune as RECIPE says, compare the tuned model with the base on held-out rows, and write a report. "
    "Ctrl-C saves and says how to go on.",
)
@click.argument("recipe", type=click.Path(path_type=Path))
@json_option("Print one JSON line per event instead.")
@set_option
def command(recipe: Path, wants_json: bool, overrides: tuple[str, ...]) -> None:
    from luthier.recipe import load_recipe

    checked = load_recipe(recipe, overrides)
    # Only now, because this takes seconds and most mistakes are in the recipe.
    from luthier.cli.following import follow
    from luthier.runs import RunFolder

    folder = RunFolder.create(Path(checked.run.folder), checked.run.name, checked)
    if not wants_json:
        click.echo(f"run: {folder.path}")
    try:
        follow(folder, wants_json)
    except Interrupted:
        raise
    except LuthierError:
        _forget_if_nothing_was_done(folder)
        raise


def _forget_if_nothing_was_done(folder: RunFolder) -> None:
    """A run that failed before its first answer or step holds nothing to go on with, only a copy of the rows."""
    if not any((folder.path / name).exists() for name in ("evaluation", "checkpoints", "adapter", "model")):
        shutil.rmtree(folder.path, ignore_errors=True)
