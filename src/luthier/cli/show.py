"""`luthier show`: the tokens of some rows as a run would see them, with those that are trained marked."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.terminal import allows_color
from luthier.cli.verb import Verb, json_option, set_option

if TYPE_CHECKING:
    from luthier.recipe import Recipe
    from luthier.tokens import ContractReport


@click.command(
    "show",
    cls=Verb,
    example="luthier show examples/support-triage/train.jsonl --rows 1",
    help="Print rows of DATA as tokens, marking those that would be trained.",
)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--model", metavar="FOLDER", help="The model whose template and tokens are used; default: the recipe's.")
@click.option("--recipe", "recipe_file", type=click.Path(path_type=Path), help="Take the settings from this recipe.")
@click.option("--rows", type=click.IntRange(min=1), default=3, show_default=True, help="How many rows, from the first.")
@click.option("--row", "line", type=click.IntRange(min=1), help="Only the row of this line, counted from 1.")
@click.option("--color/--no-color", default=None, help="By default, colour on a terminal.")
@json_option("Print one JSON document instead.")
@set_option
def command(
    data: Path,
    model: str | None,
    recipe_file: Path | None,
    rows: int,
    line: int | None,
    color: bool | None,
    wants_json: bool,
    overrides: tuple[str, ...],
) -> None:
    from luthier.cli.shown_rows import encode_rows
    from luthier.tokens import example_as_json, show_example

    recipe = _settings(data, model, recipe_file, overrides)
    shown = encode_rows(data, recipe, rows, line)
    if wants_json:
        document = [example_as_json(encoded, shown.chat) for encoded in shown.encoded]
        click.echo(json.dumps({"rows": document, "contract": shown.contract(recipe).as_json()}, ensure_ascii=False))
        return
    in_color = allows_color(sys.stdout) if color is None else color
    for encoded in shown.encoded:
        # Colour is settled above; click would take it out again when the output is no terminal.
        click.echo(show_example(encoded, shown.chat, in_color), color=in_color)
    # Last, so that rows which break the contract are seen before the error that says so.
    click.echo(_counts_text(shown.contract(recipe)))


def _settings(data: Path, model: str | None, recipe_file: Path | None, overrides: Sequence[str]) -> Recipe:
    from luthier.cli.loose_recipe import recipe_for, with_model
    from luthier.recipe import load_recipe

    if recipe_file is None:
        return recipe_for(data, overrides, model)
    return load_recipe(recipe_file, with_model(overrides, model))


def _counts_text(report: ContractReport) -> str:
    lines = ["of these rows:"]
    lines += [f"  {name.replace('_', ' ')}: {count:,}" for name, count in report.counts.items()]
    lines += [f"  {count:,} examples: {note}" for note, count in report.notes.items()]
    return "\n".join(lines)
