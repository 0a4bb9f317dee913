"""Projects: everything belongs to one, and sees nothing of the others."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Connection, Table, select

from luthier.store.ids import new_id
from luthier.store.kind import Kind
from luthier.store.schema import METADATA, key_column, seconds_column, text_column

DEFAULT_PROJECT = "proj_default"


@dataclass(frozen=True)
class Project:
    """``organization`` goes into the names of fine-tuned models; it may be empty."""

    id: str
    name: str
    organization: str
    created_at: int
    archived_at: int | None = None


PROJECTS = Kind(
    Table(
        "projects",
        METADATA,
        key_column(),
        text_column("name", is_required=True),
        text_column("organization", is_required=True),
        seconds_column("created_at", is_required=True),
        seconds_column("archived_at"),
    ),
    Project,
)


def create(connection: Connection, name: str, organization: str = "") -> Project:
    return PROJECTS.insert(connection, Project(new_id("proj_"), name, organization, int(time.time())))


def ensure_default(connection: Connection, organization: str = "") -> Project:
    """The project of a server that has not been told of any."""
    found = find(connection, DEFAULT_PROJECT)
    return found or PROJECTS.insert(connection, Project(DEFAULT_PROJECT, "default", organization, int(time.time())))


def find(connection: Connection, id: str) -> Project | None:
    table = PROJECTS.table
    row = connection.execute(select(table).where(table.c.id == id)).first()
    return None if row is None else PROJECTS.make(row)


def list_all(connection: Connection) -> tuple[Project, ...]:
    table = PROJECTS.table
    return tuple(map(PROJECTS.make, connection.execute(select(table).order_by(table.c.created_at, table.c.id))))
