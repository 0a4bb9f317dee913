"""Idempotency keys: a request that is sent again is answered as it was the first time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, ForeignKey, Integer, String, Table, select

from luthier.errors import StorageError
from luthier.store.schema import LONGEST_ID, METADATA, json_column, seconds_column, text_column

KEPT_SECONDS = 24 * 3600
# A first request that died without an answer does not block its repeat for longer. One that merely is slow has lost its
# promise then, and what it did is undone.
PENDING_SECONDS = 15


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


class PromiseLost(StorageError):
    """A repeat of this request is being answered instead; nothing was written."""


@dataclass
class Promise:
    """The right, and the duty, to answer for a key. ``is_strict``: only one request may ever do so."""

    project_id: str
    key: str
    created_at: int
    status_code: int
    is_strict: bool
    is_kept: bool = False


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


def begin(
    connection: Connection, project_id: str, key: str, fingerprint: str, status_code: int = 200, is_strict: bool = True
) -> Remembered | Promise:
    """What is remembered of an earlier request; or, for the first, the promise to answer with ``status_code``."""
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
    return Promise(project_id, key, now, status_code, is_strict)


def keep(connection: Connection, promise: Promise, body: Any) -> None:
    """Remember the answer, in the transaction that makes it true: both are kept, or neither. Raises PromiseLost."""
    values = {"status_code": promise.status_code, "body": body}
    kept = connection.execute(REMEMBERED.update().where(*_open(promise)).values(**values)).rowcount
    if promise.is_strict and not kept:
        raise PromiseLost(
            "the same request was sent again and is being answered there",
            expected="one answer per Idempotency-Key",
            fix="send it again to read that answer",
        )
    promise.is_kept = True


def abandon(connection: Connection, promise: Promise) -> None:
    """The request failed: its repeat may try anew. An answer that was kept after all stays."""
    connection.execute(REMEMBERED.delete().where(*_open(promise)))


def forget(connection: Connection, project_id: str, key: str) -> None:
    connection.execute(REMEMBERED.delete().where(REMEMBERED.c.project_id == project_id, REMEMBERED.c.key == key))


def _open(promise: Promise) -> tuple[ColumnElement[bool], ...]:
    columns = REMEMBERED.c
    this = (columns.project_id == promise.project_id, columns.key == promise.key)
    return (*this, columns.created_at == promise.created_at, columns.status_code.is_(None))


def forget_old(connection: Connection) -> int:
    """Of all projects; returns how many."""
    late = REMEMBERED.c.created_at < int(time.time()) - KEPT_SECONDS
    return connection.execute(REMEMBERED.delete().where(late)).rowcount
