"""`luthier advise`: prompt, retrieve or tune? From a finished run, from what is said, or from a few questions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.terminal import safe
from luthier.cli.verb import Verb, json_option

if TYPE_CHECKING:
    from luthier.advice import Evidence


@click.command(
    "advise",
    cls=Verb,
    example="luthier advise --set goal=knowledge --set freshness=weekly",
    help="Say whether to prompt, to show examples, to retrieve, to tune, to collect data or to revisit the goal, and "
    "why. RUN is the folder of a finished run, whose measurements count more than anything said; the folder that "
    "holds all runs stands for its newest. Without RUN and --set, a few questions are asked on a terminal.",
)
@click.argument("run", type=click.Path(path_type=Path), required=False)
@click.option("--probe", type=click.Path(path_type=Path), metavar="FOLDER", help="Also use the learning curve there.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Say one thing, as in goal=behaviour or rows=400. May be given several times; docs/advice.md lists all.",
)
@json_option("Print one JSON document instead.")
def command(run: Path | None, probe: Path | None, overrides: tuple[str, ...], wants_json: bool) -> None:
    from luthier.advice import decide_approach, draw_advice, evidence_from, said
    from luthier.advice.reading import evidence_of_run

    changes = said(overrides)
    if probe is not None and run is None:
        raise click.UsageError("--probe FOLDER without a RUN whose evidence it adds to")
    if run is not None:
        from luthier.cli.newest_run import open_run

        folder = open_run(run)
        advice = decide_approach(evidence_of_run(folder.path, changes, probe))
        folder.write_text("advice.json", json.dumps(advice.as_json(), indent=2, ensure_ascii=False) + "\n")
    elif changes:
        advice = decide_approach(evidence_from(changes, place="--set"))
    elif sys.stdin.isatty() and not wants_json:
        advice = decide_approach(_asked())
    else:
        raise click.UsageError("nothing is known: name the folder of a RUN, or say something with --set")
    if wants_json:
        click.echo(json.dumps(advice.as_json(), indent=2, ensure_ascii=False))
    else:
        click.echo(safe(draw_advice(advice)))


def _asked() -> Evidence:
    """The short form; a line that is not understood is asked again."""
    from luthier.advice import QUESTIONS, answer_to, evidence_from
    from luthier.errors import RecipeError

    known: dict[str, Any] = {}
    for question in QUESTIONS:
        choices = f" [{', '.join(question.words)}]" if question.words else ""
        while True:
            line = click.prompt(f"{question.text}{choices}", default="", show_default=False, err=True)
            try:
                known |= answer_to(question, line)
                break
            except RecipeError as error:
                click.echo(f"{error.found}; {error.expected}", err=True)
    return evidence_from(known)
