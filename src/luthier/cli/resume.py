"""`luthier resume`: go on with a run, a sweep or a probe that was stopped, by Ctrl-C or by force."""

from __future__ import annotations

from pathlib import Path

import click

from luthier.cli.verb import Verb, json_option


@click.command(
    "resume",
    cls=Verb,
    example="luthier resume runs",
    help="Go on with the run, the sweep or the probe in the folder RUN where it was stopped; what is finished is not "
    "done again. The folder that holds all runs stands for its newest run.",
)
@click.argument("run", type=click.Path(path_type=Path))
@json_option("Print one JSON line per event instead.")
def command(run: Path, wants_json: bool) -> None:
    from luthier.cli.following import follow
    from luthier.cli.newest_run import open_run
    from luthier.cli.probe_following import follow_probe
    from luthier.cli.sweep_following import follow_sweep
    from luthier.runs import ProbeFolder, SweepFolder

    if SweepFolder.is_at(run):
        if not wants_json:
            click.echo(f"sweep: {run}")
        follow_sweep(SweepFolder.open(run), wants_json)
        return
    if ProbeFolder.is_at(run):
        if not wants_json:
            click.echo(f"probe: {run}")
        follow_probe(ProbeFolder.open(run), wants_json)
        return
    folder = open_run(run)
    if not wants_json:
        click.echo(f"run: {folder.path}")
    follow(folder, wants_json)
