"""Leases: a row is worked on by one owner for a while; whoever lost it can no longer write to it (fencing)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from luthier.errors import StorageError
from luthier.store.database import clock
from luthier.store.kind import Kind

Record = TypeVar("Record")


class LeaseLost(StorageError):
    """Somebody else has claimed the row since; nothing was written."""


@dataclass(frozen=True)
class Lease:
    """The right to write to row ``id``: it holds while (owner, attempt) stand in the row."""

    id: str
    owner: str
    attempt: int


def claim_one(
    connection: Connection,
    kind: Kind[Record],
    ready: ColumnElement[bool],
    owner: str,
    seconds: float,
    order: tuple[str, ...] = ("created_at", "id"),
    **values: Any,
) -> Record | None:
    """Take the first ``ready`` row that nobody holds, for ``seconds``, setting ``values``; None where there is none.

    Call it in a writing transaction: of any number that claim at once, each row goes to exactly one.
    """
    table, now = kind.table, clock(connection)
    is_free = or_(table.c.lease_until.is_(None), table.c.lease_until < now)
    first = select(table.c.id).where(ready, is_free).order_by(*(table.c[key] for key in order)).limit(1)
    id = connection.execute(first.with_for_update(skip_locked=True)).scalar()
    if id is None:
        return None
    taken = {"owner": owner, "attempt": table.c.attempt + 1, "lease_until": now + seconds, **values}
    row = connection.execute(table.update().where(table.c.id == id).values(**taken).returning(table)).one()
    return kind.make(row)


def holds(kind: Kind[Any], lease: Lease) -> ColumnElement[bool]:
    columns = kind.table.c
    return and_(columns.id == lease.id, columns.owner == lease.owner, columns.attempt == lease.attempt)


def renew(connection: Connection, kind: Kind[Record], lease: Lease, seconds: float) -> Record:
    """Hold on for ``seconds`` from now; the record as it stands tells what was wished meanwhile."""
    return write_as(connection, kind, lease, lease_until=clock(connection) + seconds)


def write_as(connection: Connection, kind: Kind[Record], lease: Lease, **values: Any) -> Record:
    """Change the leased row, only as its holder; raises LeaseLost otherwise."""
    row = connection.execute(
        kind.table.update().where(holds(kind, lease)).values(**values).returning(kind.table)
    ).first()
    if row is None:
        raise LeaseLost(
            f"{lease.id} is no longer held by {lease.owner} (attempt {lease.attempt})",
            expected="the lease to be renewed before it runs out",
            fix="leave it to whoever holds it now",
        )
    return kind.make(row)


def give_up(connection: Connection, kind: Kind[Record], lease: Lease, **values: Any) -> Record:
    """Let go of the row, with the last ``values``: nobody holds it then, and its attempt stays counted."""
    return write_as(connection, kind, lease, owner=None, lease_until=None, **values)
