"""The audit log: who did what, when, to what. Lines are added and never changed; no contents, no secrets."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table

from luthier.store.ids import new_id
from luthier.store.kind import Kind
from luthier.store.pages import Asked, Page
from luthier.store.schema import (
    LONGEST_ID,
    METADATA,
    json_column,
    key_column,
    listing_index,
    project_column,
    seconds_column,
    text_column,
)


@dataclass(frozen=True)
class AuditEntry:
    """``action`` like "job.create"; ``object_id`` what it was done to."""

    id: str
    project_id: str
    created_at: int
    action: str
    key_id: str | None = None
    object_id: str | None = None
    request_id: str | None = None
    address: str | None = None
    details: dict[str, Any] | None = None


AUDIT = Kind(
    Table(
        "audit_log",
        METADATA,
        key_column(),
        project_column(),
        seconds_column("created_at", is_required=True),
        text_column("action", 64, is_required=True),
        text_column("key_id", LONGEST_ID),
        text_column("object_id", 512),
        text_column("request_id", LONGEST_ID),
        text_column("address", 64),
        json_column("details"),
        listing_index("audit_log"),
    ),
    AuditEntry,
)


def note(connection: Connection, project_id: str, action: str, **known: Any) -> AuditEntry:
    """``known``: key_id, object_id, request_id, address, details. In the transaction of what is noted."""
    return AUDIT.insert(connection, AuditEntry(new_id("audit_"), project_id, int(time.time()), action, **known))


def page(connection: Connection, project_id: str, asked: Asked) -> Page[AuditEntry]:
    return AUDIT.page(connection, project_id, asked)
