"""`luthier ask`: one question to the model of a finished run."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from luthier.cli.terminal import safe
from luthier.cli.verb import Verb


@click.command(
    "ask",
    cls=Verb,
    example='luthier ask runs "My invoice is wrong, please call me back."',
    help="Print the tuned model's answer to TEXT; TEXT - reads it from the standard input. RUN is the folder of a run "
    "whose training is finished; the folder that holds all runs stands for its newest run.",
)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("text")
@click.option("--system", metavar="TEXT", help="The system turn; by default the recipe's data.system_prompt.")
@click.option("--max-new-tokens", type=click.IntRange(min=1), default=128, show_default=True)
@click.option("--base", is_flag=True, help="Ask the base model instead, as it was before tuning.")
def command(run: Path, text: str, system: str | None, max_new_tokens: int, base: bool) -> None:
    question = sys.stdin.read().strip() if text == "-" else text
    if not question.strip():
        raise click.UsageError("TEXT is empty")
    from luthier.cli.newest_run import open_run
    from luthier.examples import Message
    from luthier.runs import ask

    folder = open_run(run)
    turns = (Message("user", question),)
    if system:
        turns = (Message("system", system), *turns)
    answer = ask(folder, turns, max_new_tokens, tuned=not base)
    # A model may have learnt to write anything, also what recolours a terminal; a program gets it as it is.
    click.echo(safe(answer) if sys.stdout.isatty() else answer, color=True)
