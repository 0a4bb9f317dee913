"""What all verbs have in common: a help that ends in an example, and the options that several of them take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


class Verb(click.Command):
    """A command whose help ends with one example that runs; the example is also shown after a usage error."""

    def __init__(self, *args: Any, example: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.example = example

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # Written as it is: click would wrap it, and a wrapped command cannot be copied.
        formatter.write(f"\nExample:\n  {self.example}\n")


def set_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change one setting, as in training.epochs=1. May be given several times; docs/recipe.md lists all.",
    )(function)


def json_option(help_text: str) -> Callable[..., Any]:
    return click.option("--json", "wants_json", is_flag=True, help=help_text)
