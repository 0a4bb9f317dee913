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
    return changes("training.epochs=1", "docs/recipe.md")(function)


def changes(like: str, page: str) -> Callable[..., Any]:
    """`--set`; ``like`` is an example, ``page`` lists what can be set."""
    return click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help=f"Change one setting, as in {like}. May be given several times; {page} lists all.",
    )


def json_option(help_text: str) -> Callable[..., Any]:
    return click.option("--json", "wants_json", is_flag=True, help=help_text)
