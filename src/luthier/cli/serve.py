"""`luthier serve`: OpenAI's API, the engine that answers and a worker that trains, in one command."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.server_extra import need_server_extra
from luthier.cli.server_settings import server_options, settings_from
from luthier.cli.verb import Verb
from luthier.errors import LuthierError

if TYPE_CHECKING:
    from luthier.recipe import ServerSettings
    from luthier.server.door.listening import Listener
    from luthier.store import Store


@click.command(
    "serve",
    cls=Verb,
    example="luthier serve --data luthier-data --set models.aliases='{gpt-4o-mini-2024-07-18: starter}'",
    help="Answer OpenAI's fine-tuning and inference API: files, jobs, models, chat. CONFIG is a settings file "
    "(luthier.yaml of this folder where there is one); docs/server-settings.md lists what it may say. Ctrl-C lets "
    "running requests end and jobs save their state.",
)
@server_options
@click.option("--host", help="Address to listen at; 0.0.0.0 is every network.")
@click.option("--port", type=int, help="Port; 0 takes a free one.")
def command(
    config: Path | None, data: str | None, overrides: tuple[str, ...], host: str | None, port: int | None
) -> None:
    need_server_extra()
    settings = settings_from(config, overrides, host=host, port=port, data_folder=data_path(data))
    from luthier.cli.serving import open_house
    from luthier.server.door.logs import set_up_logs

    set_up_logs(sys.stderr, for_people=sys.stderr.isatty())
    with open_house(settings) as house:
        _tell_of_keys(settings, house.store)
        threading.Thread(target=_tell_when_open, args=(house.listener, settings), daemon=True).start()
        try:
            house.listener.run()
        except SystemExit:
            # uvicorn's way of saying that it cannot listen there.
            raise LuthierError(
                f"cannot listen at {settings.host}, port {settings.port}",
                expected="an address of this machine and a port that no other program uses",
                fix="choose another one: --port 8001, or --port 0 for any that is free",
            ) from None


def data_path(data: str | None) -> str | None:
    return None if data is None else str(Path(data).absolute())


def _tell_when_open(listener: Listener, settings: ServerSettings) -> None:
    while not listener.started:
        if listener.should_exit:
            return
        time.sleep(0.01)
    click.echo(f"luthier serves {listener.url}/v1 (data in {settings.data_folder})")
    if settings.access == "open":
        click.echo("WARNING: access is open. Every program on this machine may use and delete everything.", err=True)


def _tell_of_keys(settings: ServerSettings, store: Store) -> None:
    """A server without any key would refuse everybody: on a terminal it makes the first one and shows it once."""
    from luthier.store import DEFAULT_PROJECT, audit, keys

    if settings.access == "open":
        return
    with store.database.reading() as connection:
        if keys.count_living(connection):
            return
    if not sys.stdout.isatty():
        click.echo(f"no key exists yet: luthier keys create --name NAME --data {settings.folder} makes one", err=True)
        return
    with store.database.writing() as connection:
        made = keys.create(connection, DEFAULT_PROJECT, "first key")
        audit.note(connection, DEFAULT_PROJECT, "key.create", object_id=made.key.id)
    click.echo(f"first key, shown only now: {made.secret}")
