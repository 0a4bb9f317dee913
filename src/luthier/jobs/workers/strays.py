"""Bytes that no record names: what a process was putting away when it was killed, just before it said so."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from sqlalchemy import Column, Connection, select

from luthier.store import DEFAULT_PROJECT, JOBS, Store, projects
from luthier.store.files import FILES
from luthier.store.jobs import TERMINAL
from luthier.store.models import MODELS
from luthier.store.uploads import PARTS

log = logging.getLogger(__name__)
# Long, so that whoever restores an older database may still find that out.
STRAY_SECONDS = 7 * 24 * 3600
# Databases limit how many values one statement may hold.
PORTION = 500


def sweep_strays(store: Store, older_than_seconds: float = STRAY_SECONDS) -> int:
    """Remove them; returns how many. What was there before this database is not this database's to judge."""
    with store.database.reading() as connection:
        project = projects.find(connection, DEFAULT_PROJECT)
    since = 0.0 if project is None else float(project.created_at)
    removed = 0
    for prefix, parts, known in (
        ("files", 2, _known(FILES.table.c.blob)),
        ("uploads", 3, _known(PARTS.table.c.blob)),
        ("models", 3, _known(MODELS.table.c.folder)),
        ("runs", 2, _of_living_jobs),
    ):
        keys = store.blobs.keys(prefix, older_than_seconds, since)
        homes = {key: "/".join(key.split("/")[:parts]) for key in keys}
        with store.database.reading() as connection:
            named = known(connection, sorted(set(homes.values())))
        strays = [key for key in keys if homes[key] not in named]
        for key in strays:
            store.blobs.remove(key)
        if strays:
            log.warning("removed %d blobs under %s that no record names", len(strays), prefix)
        removed += len(strays)
    return removed


def _known(column: Column[str]) -> Callable[[Connection, list[str]], set[str]]:
    def look(connection: Connection, homes: list[str]) -> set[str]:
        found: set[str] = set()
        for some in _portions(homes):
            found |= set(connection.scalars(select(column).where(column.in_(some))))
        return found

    return look


def _of_living_jobs(connection: Connection, homes: list[str]) -> set[str]:
    table, found = JOBS.table.c, set()
    for some in _portions([home.partition("/")[2] for home in homes]):
        living = select(table.id).where(table.id.in_(some), table.status.not_in(TERMINAL))
        found |= {f"runs/{id}" for id in connection.scalars(living)}
    return found


def _portions(values: list[str]) -> Iterable[list[str]]:
    return (values[start : start + PORTION] for start in range(0, len(values), PORTION))
