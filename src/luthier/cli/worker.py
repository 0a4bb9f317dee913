"""`luthier worker`: one more worker for the jobs of a server, on this host or another one."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType

import click

from luthier.cli.serve import data_path
from luthier.cli.server_extra import need_server_extra
from luthier.cli.server_settings import server_options, settings_from, store_of
from luthier.cli.verb import Verb


@click.command(
    "worker",
    cls=Verb,
    example="luthier worker luthier.yaml --set worker.slots=2",
    help="Run fine-tuning jobs of the server that has the same CONFIG: the same database, and the same files (a "
    "shared folder, or S3). Ctrl-C lets the runs save their state; another worker goes on with them.",
)
@server_options
def command(config: Path | None, data: str | None, overrides: tuple[str, ...]) -> None:
    need_server_extra()
    settings = settings_from(config, overrides, data_folder=data_path(data))
    from luthier.cli.serving import worker_plan
    from luthier.jobs import Worker
    from luthier.recipe import served_bases
    from luthier.server.door.logs import set_up_logs

    set_up_logs(sys.stderr, for_people=sys.stderr.isatty())
    store = store_of(settings)
    worker = Worker(worker_plan(settings, store, served_bases(settings.models)))

    def stop(_number: int, _frame: FrameType | None) -> None:
        worker.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    click.echo(f"luthier works on the jobs of {settings.data_folder} as {worker.owner}")
    worker.run()
    store.close()
