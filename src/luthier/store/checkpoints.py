"""Checkpoints of fine-tuning jobs, each a model of its own while it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Integer, Table, UniqueConstraint

from luthier.store.kind import Kind
from luthier.store.pages import Asked, Page
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
class Checkpoint:
    """``model`` is the name under which it answers while its weights are kept (`models.find`)."""

    id: str
    project_id: str
    job_id: str
    step_number: int
    model: str
    created_at: int
    metrics: dict[str, Any] | None = None


CHECKPOINTS = Kind(
    Table(
        "checkpoints",
        METADATA,
        key_column(),
        project_column(),
        text_column("job_id", LONGEST_ID, is_required=True),
        Column("step_number", Integer, nullable=False),
        text_column("model", LONGEST_MODEL, is_required=True),
        seconds_column("created_at", is_required=True),
        json_column("metrics"),
        UniqueConstraint("job_id", "step_number"),
    ),
    Checkpoint,
)


def create(connection: Connection, checkpoint: Checkpoint) -> Checkpoint:
    return CHECKPOINTS.insert(connection, checkpoint)


def find(connection: Connection, project_id: str, id: str) -> Checkpoint | None:
    return CHECKPOINTS.find(connection, project_id, id)


def of_job(connection: Connection, project_id: str, job_id: str) -> tuple[Checkpoint, ...]:
    """Lowest step first."""
    return CHECKPOINTS.all(connection, project_id, CHECKPOINTS.table.c.job_id == job_id, order=("step_number",))


def page(connection: Connection, project_id: str, job_id: str, asked: Asked) -> Page[Checkpoint]:
    """By step; with the usual order the highest comes first."""
    this = CHECKPOINTS.table.c.job_id == job_id
    return CHECKPOINTS.page(connection, project_id, asked, this, keys=("step_number", "id"))


def remove(connection: Connection, project_id: str, id: str) -> bool:
    return CHECKPOINTS.remove(connection, project_id, id)
