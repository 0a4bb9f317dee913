"""Checkpoint permissions: which other projects may use a project's model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table, UniqueConstraint

from luthier.store.ids import new_id
from luthier.store.kind import Kind
from luthier.store.pages import Asked, Page
from luthier.store.schema import (
    LONGEST_ID,
    LONGEST_MODEL,
    METADATA,
    key_column,
    project_column,
    seconds_column,
    text_column,
)


@dataclass(frozen=True)
class Permission:
    """``project_id`` owns ``model``; ``granted_project_id`` may use it."""

    id: str
    project_id: str
    model: str
    granted_project_id: str
    created_at: int


PERMISSIONS = Kind(
    Table(
        "checkpoint_permissions",
        METADATA,
        key_column(),
        project_column(),
        text_column("model", LONGEST_MODEL, is_required=True),
        text_column("granted_project_id", LONGEST_ID, is_required=True),
        seconds_column("created_at", is_required=True),
        UniqueConstraint("model", "granted_project_id"),
    ),
    Permission,
)


def grant(connection: Connection, project_id: str, model: str, granted: Sequence[str]) -> tuple[Permission, ...]:
    """One permission per project of ``granted``; one that exists is given back as it is."""
    table, now = PERMISSIONS.table, int(time.time())
    existing = {
        permission.granted_project_id: permission
        for permission in PERMISSIONS.all(connection, project_id, table.c.model == model)
    }
    for other in dict.fromkeys(granted):
        if other not in existing:
            existing[other] = PERMISSIONS.insert(connection, Permission(new_id("cp_"), project_id, model, other, now))
    return tuple(existing[other] for other in dict.fromkeys(granted))


def page(
    connection: Connection, project_id: str, model: str, asked: Asked, granted: str | None = None
) -> Page[Permission]:
    table = PERMISSIONS.table
    only = () if granted is None else (table.c.granted_project_id == granted,)
    return PERMISSIONS.page(connection, project_id, asked, table.c.model == model, *only)


def revoke(connection: Connection, project_id: str, model: str, id: str) -> bool:
    found = PERMISSIONS.find(connection, project_id, id)
    return found is not None and found.model == model and PERMISSIONS.remove(connection, project_id, id)
