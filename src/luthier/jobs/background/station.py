"""Where background work is done: its store, its name among the workers, and a lease on one row at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, select

from luthier.store import Lease, Store, claim_one, give_up, renew, write_as
from luthier.store.kind import Kind

Record = TypeVar("Record")
# Work that a mistake of ours ends each time it is tried is given up then, or it would be tried for ever.
MOST_ATTEMPTS = 5


@dataclass(frozen=True)
class Station:
    """``owner`` is unique among all processes and threads; ``stopping`` tells that the process is about to end.
    ``on_held`` is called when work was found, before it is done.
    """

    store: Store
    owner: str
    stopping: threading.Event = field(default_factory=threading.Event)
    lease_seconds: float = 30.0
    at_once: int = 8
    on_held: Callable[[], None] = lambda: None


@dataclass
class Held(Generic[Record]):
    """One leased row. Every write goes through here, so that whoever lost the lease writes nothing (LeaseLost)."""

    station: Station
    kind: Kind[Record]
    lease: Lease
    record: Record
    renewed_at: float = field(default_factory=time.monotonic)

    @property
    def breath_seconds(self) -> float:
        return self.station.lease_seconds / 3

    def write(self, connection: Connection, **values: Any) -> Record:
        """``values`` and more time, in the caller's transaction."""
        record = renew(connection, self.kind, self.lease, self.station.lease_seconds)
        if values:
            record = write_as(connection, self.kind, self.lease, **values)
        self.renewed_at = time.monotonic()
        self.record = record
        return record

    def breathe(self) -> Record:
        """More time if it is due; the record shows what was wished meanwhile."""
        if time.monotonic() - self.renewed_at >= self.breath_seconds:
            with self.station.store.database.writing() as connection:
                self.write(connection)
        return self.record

    @property
    def is_last_attempt(self) -> bool:
        return self.lease.attempt >= MOST_ATTEMPTS

    def let_go(self) -> None:
        with self.station.store.database.writing() as connection:
            give_up(connection, self.kind, self.lease)


def hold_one(
    station: Station,
    kind: Kind[Record],
    ready: ColumnElement[bool],
    order: tuple[str, ...] = ("created_at", "id"),
    **values: Any,
) -> Held[Record] | None:
    """The first ready row that nobody works on. An idle look takes no writer's place."""
    table = kind.table
    with station.store.database.reading() as connection:
        if connection.execute(select(table.c.id).where(ready).limit(1)).first() is None:
            return None
    with station.store.database.writing() as connection:
        record: Any = claim_one(connection, kind, ready, station.owner, station.lease_seconds, order, **values)
    if record is None:
        return None
    station.on_held()
    return Held(station, kind, Lease(record.id, station.owner, record.attempt), record)
