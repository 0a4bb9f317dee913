"""`luthier recipe`: check a recipe, print its schema, list every setting."""

from __future__ import annotations

import json
from pathlib import Path

import click

from luthier.cli.verb import Verb, set_option


@click.group("recipe", help="Check a recipe, or list every setting there is.")
def command() -> None:
    pass


@command.command(
    "check",
    cls=Verb,
    example="luthier recipe check recipe.yaml --set training.epochs=1",
    help="Check RECIPE and print it with every setting written out and every path absolute.",
)
@click.argument("recipe", type=click.Path(path_type=Path))
@set_option
def check(recipe: Path, overrides: tuple[str, ...]) -> None:
    from luthier.recipe import dump_recipe, load_recipe

    click.echo(dump_recipe(load_recipe(recipe, overrides)), nl=False)


@command.command(
    "schema",
    cls=Verb,
    example="luthier recipe schema > recipe.schema.json",
    help="Print the JSON schema of a recipe, for editors and forms.",
)
def schema() -> None:
    from luthier.recipe import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@command.command(
    "settings",
    cls=Verb,
    example="luthier recipe settings",
    help="Print every setting with its type, default and meaning, as Markdown.",
)
def settings() -> None:
    from luthier.recipe import settings_table

    click.echo(settings_table(), nl=False)
