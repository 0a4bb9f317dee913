"""`luthier keys`: make a key (shown once), list them, revoke one, read who did what."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.serve import data_path
from luthier.cli.server_extra import need_server_extra
from luthier.cli.server_settings import server_options, settings_from, store_of
from luthier.cli.terminal import safe
from luthier.cli.verb import Verb, json_option
from luthier.errors import LuthierError

if TYPE_CHECKING:
    from luthier.store import ApiKey, Project, Store

DAY = 86400


@click.group("keys", help="Make, list and revoke the keys of a server; read who did what.")
def command() -> None:
    pass


@command.command(
    "create",
    cls=Verb,
    example="luthier keys create --name ci --scopes inference,files,jobs",
    help="Make a key and show it, this once: only its hash is kept.",
)
@server_options
@click.option("--name", required=True, help="Whose it is, or what for.")
@click.option("--project", help="Id or name; a name that does not exist becomes a new project.")
@click.option("--scopes", default="inference,files,jobs", show_default=True, help="Also: admin, which may everything.")
@click.option("--requests-per-minute", type=click.IntRange(1), help="More are answered with 429.")
@click.option("--tokens-per-minute", type=click.IntRange(1), help="More are answered with 429.")
@click.option("--days", type=click.IntRange(1, 36500), help="The key ends after so many days.")
@json_option("Print one JSON document instead.")
def create(config: Path | None, data: str | None, overrides: tuple[str, ...], wants_json: bool, **asked: Any) -> None:
    from luthier.store import audit, keys

    store = _open(config, data, overrides, may_make=True)
    scopes = [scope.strip() for scope in asked["scopes"].split(",") if scope.strip()]
    limits = {name: asked[name] for name in ("requests_per_minute", "tokens_per_minute") if asked[name] is not None}
    ends = int(time.time()) + asked["days"] * DAY if asked["days"] else None
    project = _project(store, asked["project"], may_make=True)
    with store.database.writing() as connection:
        made = keys.create(connection, project.id, asked["name"], scopes, limits, ends)
        audit.note(connection, project.id, "key.create", object_id=made.key.id, details={"scopes": scopes})
    store.close()
    if wants_json:
        click.echo(json.dumps({**keys.shown(made.key), "secret": made.secret}))
        return
    click.echo(f"key {made.key.id} of the project {safe(project.name)} ({project.id}); shown only now:", err=True)
    click.echo(made.secret)


@command.command("list", cls=Verb, example="luthier keys list", help="List the keys of a project.")
@server_options
@click.option("--project", help="Id or name; the default project otherwise.")
@json_option("Print one JSON document instead.")
def list_all(
    config: Path | None, data: str | None, overrides: tuple[str, ...], project: str | None, wants_json: bool
) -> None:
    from luthier.store import keys

    store = _open(config, data, overrides)
    of = _project(store, project)
    with store.database.reading() as connection:
        found = keys.list_all(connection, of.id)
    store.close()
    if wants_json:
        click.echo(json.dumps([keys.shown(key) for key in found]))
        return
    if not found:
        click.echo(f"the project {safe(of.name)} has no keys yet; luthier keys create makes one", err=True)
    for key in found:
        click.echo(f"{key.id}  {key.prefix}…  {_state(key):8}  {','.join(key.scopes)}  {safe(key.name)}")


@command.command("revoke", cls=Verb, example="luthier keys revoke key_0123", help="End a key, at once and for good.")
@click.argument("key")
@server_options
@click.option("--project", help="Id or name; the default project otherwise.")
def revoke(key: str, config: Path | None, data: str | None, overrides: tuple[str, ...], project: str | None) -> None:
    from luthier.store import audit, keys

    store = _open(config, data, overrides)
    of = _project(store, project)
    with store.database.writing() as connection:
        gone = keys.revoke(connection, of.id, key)
        if gone is not None:
            audit.note(connection, of.id, "key.revoke", object_id=key)
    store.close()
    if gone is None:
        raise LuthierError(
            f"no key {key!r} in the project {of.name!r}",
            expected="an id that starts with key_",
            fix="luthier keys list shows them; name another project with --project",
        )
    click.echo(f"revoked: {key}")


@command.command(
    "audit", cls=Verb, example="luthier keys audit --limit 50", help="Print who did what, newest first, as JSON lines."
)
@server_options
@click.option("--project", help="Id or name; the default project otherwise.")
@click.option("--limit", type=click.IntRange(1, 10000), default=100, show_default=True, help="Lines at most.")
def read_audit(
    config: Path | None, data: str | None, overrides: tuple[str, ...], project: str | None, limit: int
) -> None:
    from luthier.store import Asked, audit

    store = _open(config, data, overrides)
    of = _project(store, project)
    with store.database.reading() as connection:
        page = audit.page(connection, of.id, Asked(limit=limit))
    store.close()
    for entry in page.items:
        click.echo(json.dumps(vars(entry)))


def _open(config: Path | None, data: str | None, overrides: tuple[str, ...], may_make: bool = False) -> Store:
    need_server_extra()
    settings = settings_from(config, overrides, data_folder=data_path(data))
    if not may_make and settings.database_url is None and not settings.folder.exists():
        raise LuthierError(
            f"no server has kept anything in {settings.folder}",
            expected="the data folder of a server",
            fix="name it with --data, or the server's settings file",
        )
    return store_of(settings)


def _project(store: Store, asked: str | None, may_make: bool = False) -> Project:
    from luthier.store import DEFAULT_PROJECT, projects

    wanted = asked or DEFAULT_PROJECT
    with store.database.writing() as connection:
        for project in projects.list_all(connection):
            if wanted in (project.id, project.name):
                return project
        if may_make and not wanted.startswith("proj_"):
            return projects.create(connection, wanted)
    raise LuthierError(f"no project {wanted!r}", expected="the id or name of one", fix="correct --project")


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= time.time() else "living"
