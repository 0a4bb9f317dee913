"""`luthier results`: a run's answers for inspect's viewer and lm-eval's tools."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from luthier.cli.terminal import safe
from luthier.cli.verb import Verb


@click.command(
    "results",
    cls=Verb,
    example="luthier results runs --to inspect --output logs",
    help="Write the answers of every arm of RUN (or of what `luthier eval --output` left) as logs that "
    "`inspect view` opens, or as the results and samples files of lm-eval.",
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--to", "wanted", type=click.Choice(["inspect", "lm-eval"]), required=True, help="Whose files to write.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Folder for the files.")
def command(run: Path, wanted: Literal["inspect", "lm-eval"], output: Path) -> None:
    from luthier.cli.newest_run import newest_run
    from luthier.runs.reports.results_files import write_results

    for file in write_results(newest_run(run) or run, wanted, output):
        click.echo(safe(str(file)))
