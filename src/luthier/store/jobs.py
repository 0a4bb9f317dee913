"""Fine-tuning jobs: what was asked, where it stands, and who works on it.

The life of a job: validating_files, queued, running, then succeeded, failed or cancelled; paused in between. `want`
holds a wish (cancel, pause) until the worker has met it; whoever holds the lease alone moves a job it works on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Float, Index, Integer, Table, func, or_, select

from luthier.store import labels
from luthier.store.kind import Kind
from luthier.store.labels import NO_FILTER
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

Status = Literal["validating_files", "queued", "running", "paused", "succeeded", "failed", "cancelled"]
Wish = Literal["cancel", "pause"]
# Where a worker has something to do.
WORKABLE: tuple[Status, ...] = ("validating_files", "queued", "running")
TERMINAL: tuple[Status, ...] = ("succeeded", "failed", "cancelled")
METHODS = ("supervised", "dpo", "reinforcement")


@dataclass(frozen=True)
class Job:
    """``model`` is what is shown; ``asked_model`` what the client wrote; ``parent`` a fine-tuned model to go on from.

    ``crashes`` counts runs that died, ``not_before`` (Unix seconds) keeps a job from being claimed too early again,
    ``notes`` is the workers' own memory (a smaller micro-batch, the steps of a paused run), never shown.
    """

    id: str
    project_id: str
    created_at: int
    model: str
    training_file: str
    method: dict[str, Any]
    hyperparameters: dict[str, Any]
    seed: int
    asked_model: str = ""
    parent: str | None = None
    validation_file: str | None = None
    suffix: str | None = None
    metadata: dict[str, str] | None = None
    integrations: list[dict[str, Any]] | None = None
    status: Status = "validating_files"
    want: Wish | None = None
    owner: str | None = None
    attempt: int = 0
    lease_until: float | None = None
    not_before: float = 0.0
    crashes: int = 0
    notes: dict[str, Any] | None = None
    started_at: int | None = None
    finished_at: int | None = None
    estimated_finish: int | None = None
    fine_tuned_model: str | None = None
    result_files: list[str] | None = None
    trained_tokens: int | None = None
    error: dict[str, Any] | None = None
    eval_id: str | None = None
    last_sequence: int = 0

    @property
    def is_over(self) -> bool:
        return self.status in TERMINAL

    @property
    def method_type(self) -> str:
        return str(self.method.get("type", "supervised"))


JOBS = Kind(
    Table(
        "jobs",
        METADATA,
        key_column(),
        project_column(),
        seconds_column("created_at", is_required=True),
        text_column("model", LONGEST_MODEL, is_required=True),
        text_column("training_file", LONGEST_ID, is_required=True),
        json_column("method"),
        json_column("hyperparameters"),
        Column("seed", BigInteger, nullable=False),
        text_column("asked_model", LONGEST_MODEL, is_required=True),
        text_column("parent", LONGEST_MODEL),
        text_column("validation_file", LONGEST_ID),
        text_column("suffix", 64),
        json_column("metadata"),
        json_column("integrations"),
        text_column("status", 32, is_required=True),
        text_column("want", 16),
        *lease_columns(),
        Column("not_before", Float, nullable=False),
        Column("crashes", Integer, nullable=False),
        json_column("notes"),
        seconds_column("started_at"),
        seconds_column("finished_at"),
        seconds_column("estimated_finish"),
        text_column("fine_tuned_model", LONGEST_MODEL),
        json_column("result_files"),
        Column("trained_tokens", BigInteger),
        json_column("error"),
        text_column("eval_id", LONGEST_ID),
        Column("last_sequence", Integer, nullable=False),
        listing_index("jobs"),
        Index("ix_jobs_status", "status", "created_at", "id"),
    ),
    Job,
)


def create(connection: Connection, job: Job) -> Job:
    labels.put(connection, job.id, job.metadata)
    return JOBS.insert(connection, job)


def find(connection: Connection, project_id: str, id: str) -> Job | None:
    return JOBS.find(connection, project_id, id)


def lock(connection: Connection, project_id: str, id: str) -> Job | None:
    """The job as it is, which no worker can claim or move until this writing transaction ends."""
    table = JOBS.table
    row = connection.execute(select(table).where(*JOBS.mine(project_id), table.c.id == id).with_for_update()).first()
    return None if row is None else JOBS.make(row)


def find_anywhere(connection: Connection, id: str) -> Job | None:
    """For workers, who serve all projects; never for a request."""
    row = connection.execute(select(JOBS.table).where(JOBS.table.c.id == id)).first()
    return None if row is None else JOBS.make(row)


def page(
    connection: Connection,
    project_id: str,
    asked: Asked,
    metadata: Mapping[str, str] | None = NO_FILTER,
) -> Page[Job]:
    """``metadata``: pairs that all must match; None lists the jobs that have none."""
    return JOBS.page(connection, project_id, asked, *labels.labelled(JOBS.table.c.id, metadata))


def wish(connection: Connection, project_id: str, id: str, want: Wish) -> Job | None:
    """Leave a wish with a job that is not over; None where there is none to leave it with."""
    table = JOBS.table
    rows = table.update().where(*JOBS.mine(project_id), table.c.id == id, table.c.status.not_in(TERMINAL))
    row = connection.execute(rows.values(want=want).returning(table)).first()
    return None if row is None else JOBS.make(row)


def is_needed(connection: Connection, file_id: str) -> bool:
    """Whether a job that is not over, of any project, was given this file."""
    table = JOBS.table
    uses = or_(table.c.training_file == file_id, table.c.validation_file == file_id)
    living = select(table.c.id).where(uses, table.c.status.not_in(TERMINAL)).limit(1)
    return connection.execute(living).first() is not None


def count_by_status(connection: Connection, project_id: str | None = None) -> dict[str, int]:
    """How many jobs stand where; None counts over all projects, for the operator's metrics."""
    table = JOBS.table
    only: tuple[ColumnElement[bool], ...] = () if project_id is None else JOBS.mine(project_id)
    counted = select(table.c.status, func.count()).where(*only).group_by(table.c.status)
    return {str(status): int(count) for status, count in connection.execute(counted)}


def seconds_by_status(connection: Connection) -> dict[str, tuple[int, int]]:
    """Of the jobs of all projects that ran and ended, by how: how many, and the seconds from start to end together."""
    table = JOBS.table
    taken = func.sum(table.c.finished_at - table.c.started_at)
    is_over = table.c.started_at.is_not(None), table.c.finished_at.is_not(None), table.c.status.in_(TERMINAL)
    rows = connection.execute(select(table.c.status, func.count(), taken).where(*is_over).group_by(table.c.status))
    return {str(status): (int(count), int(seconds)) for status, count, seconds in rows}
