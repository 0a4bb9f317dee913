"""Idempotency keys: a request that is sent again is answered as it was the first time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, ForeignKey, Integer, String, Table, select

from luthier.store.schema import LONGEST_ID, METADATA, json_column, seconds_column, text_column

KEPT_SECONDS = 24 * 3600
# A first request that died without an answer does not block its repeat for longer.
PENDING_SECONDS = 120


@dataclass(frozen=True)
class Remembered:
    """``fingerprint`` is a hash of the request; ``status_code`` None while the first request is still at work."""

    project_id: str
    key: str
    fingerprint: str
    created_at: int
    status_code: int | None = None
    body: Any = None

    @property
    def is_answered(self) -> bool:
        return self.status_code is not None


REMEMBERED = Table(
    "idempotency_keys",
    METADATA,
    Column("project_id", String(LONGEST_ID), ForeignKey("projects.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    text_column("fingerprint", 64, is_required=True),
    seconds_column("created_at", is_required=True),
    Column("status_code", Integer),
    json_column("body"),
)


def begin(connection: Connection, project_id: str, key: str, fingerprint: str) -> Remembered | None:
    """Remember that a request begins; returns what is remembered of an earlier one, or None for the first."""
    now = int(time.time())
    this = (REMEMBERED.c.project_id == project_id, REMEMBERED.c.key == key)
    row = connection.execute(select(REMEMBERED).where(*this)).first()
    if row is not None:
        earlier = Remembered(**row._mapping)
        age = now - earlier.created_at
        if age < (KEPT_SECONDS if earlier.is_answered else PENDING_SECONDS):
            return earlier
        connection.execute(REMEMBERED.delete().where(*this))
    connection.execute(REMEMBERED.insert().values(**vars(Remembered(project_id, key, fingerprint, now))))
    return None


def finish(connection: Connection, project_id: str, key: str, status_code: int, body: Any) -> None:
    this = (REMEMBERED.c.project_id == project_id, REMEMBERED.c.key == key)
    connection.execute(REMEMBERED.update().where(*this).values(status_code=status_code, body=body))


def abandon(connection: Connection, project_id: str, key: str) -> None:
    """The first request failed on our side: its repeat may try anew."""
    connection.execute(REMEMBERED.delete().where(REMEMBERED.c.project_id == project_id, REMEMBERED.c.key == key))


def forget_old(connection: Connection) -> int:
    """Of all projects; returns how many."""
    late = REMEMBERED.c.created_at < int(time.time()) - KEPT_SECONDS
    return connection.execute(REMEMBERED.delete().where(late)).rowcount
