"""The options that the server's verbs share: a settings file, and changes for one call."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.verb import changes
from luthier.errors import StorageError

if TYPE_CHECKING:
    from luthier.recipe import ServerSettings
    from luthier.store import Store

USUAL_FILE = Path("luthier.yaml")


def server_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """CONFIG, --data and --set."""
    data = click.option("--data", metavar="FOLDER", help="Folder of the database, the files and the runs.")
    config = click.argument("config", type=click.Path(path_type=Path), required=False)
    return config(data(changes("worker.slots=2", "docs/server-settings.md")(function)))


def settings_from(config: Path | None, overrides: tuple[str, ...], **options: str | int | None) -> ServerSettings:
    """``options`` are settings of the same name; CONFIG is `luthier.yaml` of this folder where there is one."""
    from luthier.recipe import load_server_settings

    if config is None and USUAL_FILE.is_file():
        config = USUAL_FILE
    given = [f"{name}={json.dumps(value)}" for name, value in options.items() if value is not None]
    return load_server_settings(config, [*overrides, *given])


def store_of(settings: ServerSettings) -> Store:
    """The store that the settings name, made where there is none yet."""
    from luthier.store import open_store

    try:
        return open_store(settings.database, settings.blobs, settings.organization)
    except OSError as error:
        raise StorageError(
            f"{error.filename or settings.folder} cannot be written: {error.strerror}",
            expected="a folder with room, in which this user may write",
            fix="free some space or change its rights, or choose another place: --data FOLDER",
        ) from None
