"""Workers that have called in: for the reaper, and for the operator who asks who is at work."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, Connection, Float, Integer, Table, select

from luthier.store.database import clock
from luthier.store.kind import Kind
from luthier.store.schema import METADATA, key_column, text_column


@dataclass(frozen=True)
class Worker:
    """``id`` is the owner that stands in the leases; moments are Unix seconds of the database's clock."""

    id: str
    host: str
    pid: int
    started_at: float
    seen_at: float


WORKERS = Kind(
    Table(
        "workers",
        METADATA,
        key_column(128),
        text_column("host", is_required=True),
        Column("pid", Integer, nullable=False),
        Column("started_at", Float, nullable=False),
        Column("seen_at", Float, nullable=False),
    ),
    Worker,
)


def call_in(connection: Connection, id: str, host: str, pid: int) -> None:
    """The worker is alive: its first word, or the next."""
    table, now = WORKERS.table, clock(connection)
    if connection.execute(table.update().where(table.c.id == id).values(seen_at=now)).rowcount == 0:
        WORKERS.insert(connection, Worker(id, host, pid, now, now))


def leave(connection: Connection, id: str) -> None:
    connection.execute(WORKERS.table.delete().where(WORKERS.table.c.id == id))


def living(connection: Connection, seconds: float) -> tuple[Worker, ...]:
    """Those seen within the last ``seconds``."""
    table = WORKERS.table
    seen = select(table).where(table.c.seen_at >= clock(connection) - seconds).order_by(table.c.id)
    return tuple(map(WORKERS.make, connection.execute(seen)))


def forget_silent(connection: Connection, seconds: float) -> int:
    """Remove those not seen for ``seconds``; returns how many."""
    silent = WORKERS.table.c.seen_at < clock(connection) - seconds
    return connection.execute(WORKERS.table.delete().where(silent)).rowcount
