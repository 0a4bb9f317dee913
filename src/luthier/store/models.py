"""Fine-tuned models and checkpoints that can be asked: their names, and the folders of their weights."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Column, Connection, Integer, Table, select

from luthier.store.kind import Kind
from luthier.store.pages import Asked, Page
from luthier.store.permissions import PERMISSIONS
from luthier.store.schema import (
    LONGEST_ID,
    LONGEST_MODEL,
    METADATA,
    key_column,
    project_column,
    seconds_column,
    text_column,
)

ModelKind = Literal["adapter", "model"]


@dataclass(frozen=True)
class TunedModel:
    """``folder`` is the folder of its weights in the blob store: an adapter on ``base``, or a whole model.

    ``step`` is given for a checkpoint, None for a job's final model.
    """

    id: str
    project_id: str
    base: str
    job_id: str
    kind: ModelKind
    folder: str
    owned_by: str
    created_at: int
    parent: str | None = None
    step: int | None = None
    deleted_at: int | None = None


MODELS = Kind(
    Table(
        "models",
        METADATA,
        key_column(LONGEST_MODEL),
        project_column(),
        text_column("base", LONGEST_MODEL, is_required=True),
        text_column("job_id", LONGEST_ID, is_required=True),
        text_column("kind", 16, is_required=True),
        text_column("folder", is_required=True),
        text_column("owned_by", is_required=True),
        seconds_column("created_at", is_required=True),
        text_column("parent", LONGEST_MODEL),
        Column("step", Integer),
        seconds_column("deleted_at"),
    ),
    TunedModel,
)
MODELS.table.c.job_id.index = True


def folder_key(job_id: str, step: int | None = None) -> str:
    """Where the weights of a job's final model, or of its checkpoint at ``step``, lie in the blob store."""
    return f"models/{job_id}/final" if step is None else f"models/{job_id}/step-{step:06d}"


def create(connection: Connection, model: TunedModel) -> TunedModel:
    return MODELS.insert(connection, model)


def find(connection: Connection, project_id: str, id: str) -> TunedModel | None:
    """The project's own; see `find_permitted` for what others have shared with it."""
    found = MODELS.find(connection, project_id, id)
    return found if found is not None and found.deleted_at is None else None


def find_permitted(connection: Connection, project_id: str, id: str) -> TunedModel | None:
    """The project's own, or one whose owner gave the project a checkpoint permission."""
    if own := find(connection, project_id, id):
        return own
    given = PERMISSIONS.table
    permitted = select(MODELS.table).where(
        MODELS.table.c.id == id,
        MODELS.table.c.deleted_at.is_(None),
        given.c.model == MODELS.table.c.id,
        given.c.project_id == MODELS.table.c.project_id,
        given.c.granted_project_id == project_id,
    )
    row = connection.execute(permitted).first()
    return None if row is None else MODELS.make(row)


def page(connection: Connection, project_id: str, asked: Asked) -> Page[TunedModel]:
    """Final models and checkpoints, without the deleted ones."""
    return MODELS.page(connection, project_id, asked, MODELS.table.c.deleted_at.is_(None))


def list_final(connection: Connection, project_id: str) -> tuple[TunedModel, ...]:
    table = MODELS.table
    return MODELS.all(
        connection, project_id, table.c.deleted_at.is_(None), table.c.step.is_(None), order=("created_at", "id")
    )


def delete(connection: Connection, project_id: str, id: str) -> bool:
    """Gone for everybody at once; the job's record stays as it is."""
    if find(connection, project_id, id) is None:
        return False
    return MODELS.change(connection, project_id, id, deleted_at=int(time.time())) is not None


def disposable(connection: Connection, limit: int = 100) -> tuple[TunedModel, ...]:
    """Deleted models of all projects whose weights may still lie in the blob store."""
    table = MODELS.table
    gone = select(table).where(table.c.deleted_at.is_not(None)).order_by(table.c.id).limit(limit)
    return tuple(map(MODELS.make, connection.execute(gone)))


def forget(connection: Connection, project_id: str, id: str) -> bool:
    return MODELS.remove(connection, project_id, id)
