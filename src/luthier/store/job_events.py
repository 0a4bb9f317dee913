"""What happened to a job, numbered; a fact that is told twice (after a crash) is written once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, Connection, Integer, Table, UniqueConstraint, select

from luthier.store.ids import new_id
from luthier.store.jobs import JOBS
from luthier.store.kind import Kind
from luthier.store.pages import Asked, Page
from luthier.store.schema import (
    LONGEST_ID,
    METADATA,
    json_column,
    key_column,
    project_column,
    seconds_column,
    text_column,
)

Level = Literal["info", "warn", "error"]
EventType = Literal["message", "metrics", "moderation_checks"]


@dataclass(frozen=True)
class Fact:
    """Something to tell. ``once`` names the fact within its job ("step:12"); None may be told again and again."""

    message: str
    level: Level = "info"
    type: EventType = "message"
    data: dict[str, Any] | None = None
    once: str | None = None
    created_at: int | None = None


@dataclass(frozen=True)
class JobEvent:
    """``sequence`` counts 1, 2, 3, … within the job, without gaps."""

    id: str
    project_id: str
    job_id: str
    sequence: int
    created_at: int
    level: Level
    message: str
    type: EventType
    data: dict[str, Any] | None = None
    once: str | None = None


JOB_EVENTS = Kind(
    Table(
        "job_events",
        METADATA,
        key_column(),
        project_column(),
        text_column("job_id", LONGEST_ID, is_required=True),
        Column("sequence", Integer, nullable=False),
        seconds_column("created_at", is_required=True),
        text_column("level", 16, is_required=True),
        text_column("message", 4096, is_required=True),
        text_column("type", 32, is_required=True),
        json_column("data"),
        text_column("once", 128),
        UniqueConstraint("job_id", "sequence"),
        UniqueConstraint("job_id", "once"),
    ),
    JobEvent,
)
LONGEST_MESSAGE = 4000


def tell(connection: Connection, project_id: str, job_id: str, *facts: Fact) -> tuple[JobEvent, ...]:
    """Append ``facts`` in order, leaving out those told before; returns what was written.

    Call it in the writing transaction that also holds the lease (or the change that the facts tell of).
    """
    named = [fact.once for fact in facts if fact.once is not None]
    told = _told(connection, job_id, named)
    new = []
    for fact in facts:
        if fact.once is None or fact.once not in told:
            new.append(fact)
            told |= {fact.once} if fact.once else set()
    if not new:
        return ()
    # The row of the job is locked by this, so two writers number one after the other.
    rows = JOBS.table.update().where(*JOBS.mine(project_id), JOBS.table.c.id == job_id)
    counted = rows.values(last_sequence=JOBS.table.c.last_sequence + len(new)).returning(JOBS.table.c.last_sequence)
    last: int = connection.execute(counted).scalar_one()
    written = [
        JobEvent(
            id=new_id("ftevent-"),
            project_id=project_id,
            job_id=job_id,
            sequence=last - len(new) + number,
            created_at=fact.created_at or int(time.time()),
            level=fact.level,
            message=fact.message[:LONGEST_MESSAGE],
            type=fact.type,
            data=fact.data,
            once=fact.once,
        )
        for number, fact in enumerate(new, 1)
    ]
    for event in written:
        JOB_EVENTS.insert(connection, event)
    return tuple(written)


def page(connection: Connection, project_id: str, job_id: str, asked: Asked) -> Page[JobEvent]:
    of_job = JOB_EVENTS.table.c.job_id == job_id
    return JOB_EVENTS.page(connection, project_id, asked, of_job, keys=("sequence", "id"))


def since(
    connection: Connection, project_id: str, job_id: str, sequence: int, limit: int = 1000
) -> tuple[JobEvent, ...]:
    """What came after ``sequence``, oldest first: for streams."""
    table = JOB_EVENTS.table
    listed = select(table).where(*JOB_EVENTS.mine(project_id), table.c.job_id == job_id, table.c.sequence > sequence)
    return tuple(map(JOB_EVENTS.make, connection.execute(listed.order_by(table.c.sequence).limit(limit))))


def metrics(connection: Connection, project_id: str, job_id: str) -> tuple[dict[str, Any], ...]:
    """The data of all metrics events, oldest first."""
    table = JOB_EVENTS.table
    of_type = select(table.c.data).where(
        *JOB_EVENTS.mine(project_id), table.c.job_id == job_id, table.c.type == "metrics"
    )
    return tuple(data for (data,) in connection.execute(of_type.order_by(table.c.sequence)))


def _told(connection: Connection, job_id: str, named: list[str]) -> set[str]:
    table, told = JOB_EVENTS.table, set()
    # In portions: databases limit how many values one statement may hold.
    for start in range(0, len(named), 500):
        some = named[start : start + 500]
        told |= set(connection.scalars(select(table.c.once).where(table.c.job_id == job_id, table.c.once.in_(some))))
    return told
