"""Chat completions that were asked to be stored, with their requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table

from luthier.store import labels
from luthier.store.kind import Kind
from luthier.store.labels import NO_FILTER
from luthier.store.pages import Asked, Page
from luthier.store.schema import (
    LONGEST_MODEL,
    METADATA,
    json_column,
    key_column,
    listing_index,
    project_column,
    seconds_column,
    text_column,
)


@dataclass(frozen=True)
class StoredCompletion:
    """``request`` and ``response`` are the bodies as they were on the wire."""

    id: str
    project_id: str
    created_at: int
    model: str
    request: dict[str, Any]
    response: dict[str, Any]
    metadata: dict[str, str] | None = None


COMPLETIONS = Kind(
    Table(
        "completions",
        METADATA,
        key_column(),
        project_column(),
        seconds_column("created_at", is_required=True),
        text_column("model", LONGEST_MODEL, is_required=True),
        json_column("request"),
        json_column("response"),
        json_column("metadata"),
        listing_index("completions"),
    ),
    StoredCompletion,
)


def create(connection: Connection, completion: StoredCompletion) -> StoredCompletion:
    labels.put(connection, completion.id, completion.metadata)
    return COMPLETIONS.insert(connection, completion)


def find(connection: Connection, project_id: str, id: str) -> StoredCompletion | None:
    return COMPLETIONS.find(connection, project_id, id)


def page(
    connection: Connection,
    project_id: str,
    asked: Asked,
    model: str | None = None,
    metadata: Mapping[str, str] | None = NO_FILTER,
    created: tuple[int | None, int | None] = (None, None),
) -> Page[StoredCompletion]:
    """``created``: not before, not after (Unix seconds)."""
    table, (earliest, latest) = COMPLETIONS.table, created
    conditions = [*labels.labelled(table.c.id, metadata)]
    conditions += [] if model is None else [table.c.model == model]
    conditions += [] if earliest is None else [table.c.created_at >= earliest]
    conditions += [] if latest is None else [table.c.created_at <= latest]
    return COMPLETIONS.page(connection, project_id, asked, *conditions)


def set_metadata(
    connection: Connection, project_id: str, id: str, metadata: dict[str, str] | None
) -> StoredCompletion | None:
    changed = COMPLETIONS.change(connection, project_id, id, metadata=metadata)
    if changed is not None:
        labels.put(connection, id, metadata)
    return changed


def delete(connection: Connection, project_id: str, id: str) -> bool:
    removed = COMPLETIONS.remove(connection, project_id, id)
    if removed:
        labels.forget(connection, id)
    return removed
