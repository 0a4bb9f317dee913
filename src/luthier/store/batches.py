"""Batches of requests and the outcome of each line, written once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Boolean, Column, Connection, ForeignKey, Integer, String, Table, func, select

from luthier.store.kind import Kind
from luthier.store.pages import Asked, Page
from luthier.store.schema import (
    LONGEST_ID,
    LONGEST_MODEL,
    METADATA,
    json_column,
    key_column,
    lease_columns,
    listing_index,
    project_column,
    seconds_column,
    text_column,
)

BatchStatus = Literal[
    "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
]
WORKABLE: tuple[BatchStatus, ...] = ("validating", "in_progress", "finalizing", "cancelling")
MOMENTS = (
    "in_progress_at", "expires_at", "finalizing_at", "completed_at", "failed_at", "expired_at", "cancelling_at",
    "cancelled_at",
)  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """Leased like a job: `leases.claim_one(connection, BATCHES, …)`."""

    id: str
    project_id: str
    created_at: int
    endpoint: str
    input_file_id: str
    completion_window: str
    expires_at: int | None = None
    metadata: dict[str, str] | None = None
    output_expires_after: dict[str, Any] | None = None
    status: BatchStatus = "validating"
    model: str | None = None
    errors: dict[str, Any] | None = None
    request_counts: dict[str, int] | None = None
    usage: dict[str, Any] | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    in_progress_at: int | None = None
    finalizing_at: int | None = None
    completed_at: int | None = None
    failed_at: int | None = None
    expired_at: int | None = None
    cancelling_at: int | None = None
    cancelled_at: int | None = None
    owner: str | None = None
    attempt: int = 0
    lease_until: float | None = None


@dataclass(frozen=True)
class LineOutcome:
    """What came of one line: ``document`` is the line of the output or error file."""

    batch_id: str
    line: int
    is_success: bool
    document: dict[str, Any]


BATCHES = Kind(
    Table(
        "batches",
        METADATA,
        key_column(),
        project_column(),
        seconds_column("created_at", is_required=True),
        text_column("endpoint", 64, is_required=True),
        text_column("input_file_id", LONGEST_ID, is_required=True),
        text_column("completion_window", 16, is_required=True),
        json_column("metadata"),
        json_column("output_expires_after"),
        text_column("status", 32, is_required=True),
        text_column("model", LONGEST_MODEL),
        json_column("errors"),
        json_column("request_counts"),
        json_column("usage"),
        text_column("output_file_id", LONGEST_ID),
        text_column("error_file_id", LONGEST_ID),
        *(seconds_column(moment) for moment in MOMENTS),
        *lease_columns(),
        listing_index("batches"),
    ),
    Batch,
)
OUTCOMES = Table(
    "batch_outcomes",
    METADATA,
    Column("batch_id", String(LONGEST_ID), ForeignKey("batches.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("is_success", Boolean, nullable=False),
    json_column("document"),
)


def create(connection: Connection, batch: Batch) -> Batch:
    return BATCHES.insert(connection, batch)


def find(connection: Connection, project_id: str, id: str) -> Batch | None:
    return BATCHES.find(connection, project_id, id)


def change(connection: Connection, project_id: str, id: str, **values: Any) -> Batch | None:
    return BATCHES.change(connection, project_id, id, **values)


def page(connection: Connection, project_id: str, asked: Asked) -> Page[Batch]:
    return BATCHES.page(connection, project_id, asked)


def record(connection: Connection, outcome: LineOutcome) -> bool:
    """Write down what came of a line; False where that was done before, and then nothing changes."""
    this = (OUTCOMES.c.batch_id == outcome.batch_id, OUTCOMES.c.line == outcome.line)
    if connection.execute(select(OUTCOMES.c.line).where(*this)).first() is not None:
        return False
    connection.execute(OUTCOMES.insert().values(**vars(outcome)))
    return True


def outcomes(connection: Connection, batch_id: str, after_line: int = -1, limit: int = 1000) -> tuple[LineOutcome, ...]:
    """In the order of lines, in portions, so that 50,000 lines never lie in memory."""
    rows = select(OUTCOMES).where(OUTCOMES.c.batch_id == batch_id, OUTCOMES.c.line > after_line)
    found = connection.execute(rows.order_by(OUTCOMES.c.line).limit(limit))
    return tuple(LineOutcome(**row._mapping) for row in found)


def done_lines(connection: Connection, batch_id: str) -> set[int]:
    return set(connection.scalars(select(OUTCOMES.c.line).where(OUTCOMES.c.batch_id == batch_id)))


def counts(connection: Connection, batch_id: str) -> dict[str, int]:
    """How many lines are ``completed`` and ``failed`` so far."""
    rows = select(OUTCOMES.c.is_success, func.count()).where(OUTCOMES.c.batch_id == batch_id)
    found = {bool(is_success): count for is_success, count in connection.execute(rows.group_by(OUTCOMES.c.is_success))}
    return {"completed": found.get(True, 0), "failed": found.get(False, 0)}


def forget_outcomes(connection: Connection, batch_id: str) -> None:
    """Once the output files are written."""
    connection.execute(OUTCOMES.delete().where(OUTCOMES.c.batch_id == batch_id))


def is_needed(connection: Connection, file_id: str) -> bool:
    """Whether a batch that is not over, of any project, was given this file."""
    table = BATCHES.table
    living = select(table.c.id).where(table.c.input_file_id == file_id, table.c.status.in_(WORKABLE)).limit(1)
    return connection.execute(living).first() is not None
