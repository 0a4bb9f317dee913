"""`luthier report`: the pages of a finished run written again, with all that its folder has come to hold."""

from __future__ import annotations

import json
from pathlib import Path

import click

from luthier.cli.verb import Verb, json_option


@click.command(
    "report",
    cls=Verb,
    example="luthier report runs",
    help="Write report.html, report.json and the model card of RUN again, from what its folder holds: answers, curves, "
    "forgetting, licence, costs, advice. The verdict stays as it was judged. The folder that holds all runs stands for "
    "its newest.",
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--open", "wants_open", is_flag=True, help="Show the page in the browser.")
@json_option("Print the paths as one JSON document instead.")
def command(run: Path, wants_open: bool, wants_json: bool) -> None:
    from luthier.cli.newest_run import open_run
    from luthier.runs import rebuild_report

    files = rebuild_report(open_run(run))
    if wants_json:
        click.echo(json.dumps({name: str(path) for name, path in vars(files).items()}, ensure_ascii=False))
    else:
        click.echo(f"report: {files.html}\nmodel card: {files.card}\nfor programs: {files.json}")
    if wants_open and click.launch(files.html.resolve().as_uri()) != 0:
        click.echo("no browser could be opened here; open the file yourself", err=True)
