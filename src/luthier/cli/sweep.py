"""`luthier sweep`: many candidates on one base, losers stopped early, and a winner with the evidence."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.verb import Verb, json_option, set_option
from luthier.errors import Interrupted, LuthierError

if TYPE_CHECKING:
    from luthier.runs import SweepFolder


@click.command(
    "sweep",
    cls=Verb,
    example="luthier sweep recipe.yaml --over method.rank=4,8 --set training.epochs=0.1",
    help="Train every combination of the values to try on one base, side by side, stop those that cannot win any more, "
    "and rank the rest by validation loss. Ctrl-C saves and says how to go on.",
)
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--over",
    "over",
    multiple=True,
    metavar="KEY=VALUE,VALUE",
    help="A setting and the values to try, as in method.rank=4,16; takes the place of sweep.over in the recipe.",
)
@json_option("Print one JSON line per event instead, and sweep.json at the end.")
@set_option
def command(recipe: Path, over: tuple[str, ...], wants_json: bool, overrides: tuple[str, ...]) -> None:
    from luthier.recipe import expand, load_recipe, over_override

    checked = load_recipe(recipe, [*overrides, *([over_override(over)] if over else [])])
    # Every candidate's recipe is checked before anything heavy is loaded.
    expand(checked)
    from luthier.cli.sweep_following import follow_sweep
    from luthier.runs import SweepFolder

    folder = SweepFolder.create(Path(checked.run.folder), checked.run.name, checked)
    if not wants_json:
        click.echo(f"sweep: {folder.path}")
    try:
        follow_sweep(folder, wants_json)
    except Interrupted:
        raise
    except LuthierError:
        _forget_if_nothing_was_done(folder)
        raise


def _forget_if_nothing_was_done(folder: SweepFolder) -> None:
    """A sweep that failed before its first step holds nothing to go on with, only a copy of the rows."""
    if not any(folder.path.glob("candidates/*/checkpoints")):
        shutil.rmtree(folder.path, ignore_errors=True)
