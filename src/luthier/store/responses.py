"""Responses that were asked to be stored, with what was put in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table

from luthier.store.kind import Kind
from luthier.store.schema import (
    LONGEST_ID,
    LONGEST_MODEL,
    METADATA,
    json_column,
    key_column,
    project_column,
    seconds_column,
    text_column,
)


@dataclass(frozen=True)
class StoredResponse:
    """``response`` is the body as it was on the wire; ``input_items`` are the items of the request, with ids."""

    id: str
    project_id: str
    created_at: int
    model: str
    request: dict[str, Any]
    response: dict[str, Any]
    input_items: list[dict[str, Any]]
    previous_response_id: str | None = None


RESPONSES = Kind(
    Table(
        "responses",
        METADATA,
        key_column(),
        project_column(),
        seconds_column("created_at", is_required=True),
        text_column("model", LONGEST_MODEL, is_required=True),
        json_column("request"),
        json_column("response"),
        json_column("input_items"),
        text_column("previous_response_id", LONGEST_ID),
    ),
    StoredResponse,
)


def create(connection: Connection, response: StoredResponse) -> StoredResponse:
    return RESPONSES.insert(connection, response)


def find(connection: Connection, project_id: str, id: str) -> StoredResponse | None:
    return RESPONSES.find(connection, project_id, id)


def change(connection: Connection, project_id: str, id: str, **values: Any) -> StoredResponse | None:
    return RESPONSES.change(connection, project_id, id, **values)


def delete(connection: Connection, project_id: str, id: str) -> bool:
    return RESPONSES.remove(connection, project_id, id)
