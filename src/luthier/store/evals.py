"""Evals, their runs (leased like jobs) and the graded items of each run, written once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, Connection, ForeignKey, Integer, String, Table, UniqueConstraint, func, select

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

RunStatus = Literal["queued", "in_progress", "completed", "failed", "canceled"]
WORKABLE: tuple[RunStatus, ...] = ("queued", "in_progress")


@dataclass(frozen=True)
class Eval:
    id: str
    project_id: str
    created_at: int
    updated_at: int
    name: str
    data_source_config: dict[str, Any]
    testing_criteria: list[dict[str, Any]]
    metadata: dict[str, str] | None = None


@dataclass(frozen=True)
class EvalRun:
    """Leased like a job: `leases.claim_one(connection, EVAL_RUNS, …)`."""

    id: str
    project_id: str
    eval_id: str
    created_at: int
    name: str
    model: str
    data_source: dict[str, Any]
    metadata: dict[str, str] | None = None
    status: RunStatus = "queued"
    result_counts: dict[str, int] | None = None
    per_model_usage: list[dict[str, Any]] | None = None
    per_testing_criteria_results: list[dict[str, Any]] | None = None
    error: dict[str, Any] | None = None
    finished_at: int | None = None
    owner: str | None = None
    attempt: int = 0
    lease_until: float | None = None


@dataclass(frozen=True)
class OutputItem:
    """``datasource_item_id`` counts the rows of the run's source from 0; a run has one item per row."""

    id: str
    project_id: str
    eval_id: str
    run_id: str
    created_at: int
    datasource_item_id: int
    status: str
    datasource_item: dict[str, Any]
    results: list[dict[str, Any]]
    sample: dict[str, Any]


EVALS = Kind(
    Table(
        "evals",
        METADATA,
        key_column(),
        project_column(),
        seconds_column("created_at", is_required=True),
        seconds_column("updated_at", is_required=True),
        text_column("name", 1024, is_required=True),
        json_column("data_source_config"),
        json_column("testing_criteria"),
        json_column("metadata"),
        listing_index("evals"),
    ),
    Eval,
)
EVAL_RUNS = Kind(
    Table(
        "eval_runs",
        METADATA,
        key_column(),
        project_column(),
        Column("eval_id", String(LONGEST_ID), ForeignKey("evals.id"), nullable=False),
        seconds_column("created_at", is_required=True),
        text_column("name", 1024, is_required=True),
        text_column("model", LONGEST_MODEL, is_required=True),
        json_column("data_source"),
        json_column("metadata"),
        text_column("status", 32, is_required=True),
        json_column("result_counts"),
        json_column("per_model_usage"),
        json_column("per_testing_criteria_results"),
        json_column("error"),
        seconds_column("finished_at"),
        *lease_columns(),
        listing_index("eval_runs", by="eval_id"),
    ),
    EvalRun,
)
OUTPUT_ITEMS = Kind(
    Table(
        "output_items",
        METADATA,
        key_column(),
        project_column(),
        Column("eval_id", String(LONGEST_ID), ForeignKey("evals.id"), nullable=False),
        Column("run_id", String(LONGEST_ID), ForeignKey("eval_runs.id"), nullable=False),
        seconds_column("created_at", is_required=True),
        Column("datasource_item_id", Integer, nullable=False),
        text_column("status", 32, is_required=True),
        json_column("datasource_item"),
        json_column("results"),
        json_column("sample"),
        UniqueConstraint("run_id", "datasource_item_id"),
        listing_index("output_items", by="run_id"),
    ),
    OutputItem,
)


def create(connection: Connection, eval: Eval) -> Eval:
    return EVALS.insert(connection, eval)


def find(connection: Connection, project_id: str, id: str) -> Eval | None:
    return EVALS.find(connection, project_id, id)


def change(connection: Connection, project_id: str, id: str, **values: Any) -> Eval | None:
    return EVALS.change(connection, project_id, id, **values)


def page(
    connection: Connection, project_id: str, asked: Asked, order_by: Literal["created_at", "updated_at"] = "created_at"
) -> Page[Eval]:
    return EVALS.page(connection, project_id, asked, keys=(order_by, "id"))


def delete(connection: Connection, project_id: str, id: str) -> bool:
    """The eval with its runs and their items."""
    if find(connection, project_id, id) is None:
        return False
    for kind in (OUTPUT_ITEMS, EVAL_RUNS):
        connection.execute(kind.table.delete().where(*kind.mine(project_id), kind.table.c.eval_id == id))
    return EVALS.remove(connection, project_id, id)


def create_run(connection: Connection, run: EvalRun) -> EvalRun:
    return EVAL_RUNS.insert(connection, run)


def find_run(connection: Connection, project_id: str, eval_id: str, id: str) -> EvalRun | None:
    found = EVAL_RUNS.find(connection, project_id, id)
    return found if found is not None and found.eval_id == eval_id else None


def change_run(connection: Connection, project_id: str, id: str, **values: Any) -> EvalRun | None:
    return EVAL_RUNS.change(connection, project_id, id, **values)


def page_runs(
    connection: Connection, project_id: str, eval_id: str, asked: Asked, status: str | None = None
) -> Page[EvalRun]:
    table = EVAL_RUNS.table
    only = () if status is None else (table.c.status == status,)
    return EVAL_RUNS.page(connection, project_id, asked, table.c.eval_id == eval_id, *only)


def delete_run(connection: Connection, project_id: str, eval_id: str, id: str) -> bool:
    if find_run(connection, project_id, eval_id, id) is None:
        return False
    items = OUTPUT_ITEMS.table
    connection.execute(items.delete().where(*OUTPUT_ITEMS.mine(project_id), items.c.run_id == id))
    return EVAL_RUNS.remove(connection, project_id, id)


def add_item(connection: Connection, item: OutputItem) -> bool:
    """Write a graded item down; False where its row was graded before, and then nothing changes."""
    table = OUTPUT_ITEMS.table
    this = (table.c.run_id == item.run_id, table.c.datasource_item_id == item.datasource_item_id)
    if connection.execute(select(table.c.id).where(*this)).first() is not None:
        return False
    OUTPUT_ITEMS.insert(connection, item)
    return True


def find_item(connection: Connection, project_id: str, run_id: str, id: str) -> OutputItem | None:
    found = OUTPUT_ITEMS.find(connection, project_id, id)
    return found if found is not None and found.run_id == run_id else None


def page_items(
    connection: Connection, project_id: str, run_id: str, asked: Asked, status: str | None = None
) -> Page[OutputItem]:
    table = OUTPUT_ITEMS.table
    only = () if status is None else (table.c.status == status,)
    return OUTPUT_ITEMS.page(connection, project_id, asked, table.c.run_id == run_id, *only)


def graded_rows(connection: Connection, project_id: str, run_id: str) -> set[int]:
    table = OUTPUT_ITEMS.table
    rows = select(table.c.datasource_item_id).where(*OUTPUT_ITEMS.mine(project_id), table.c.run_id == run_id)
    return set(connection.scalars(rows))


def count_items(connection: Connection, project_id: str, run_id: str) -> dict[str, int]:
    """How many items ended how."""
    table = OUTPUT_ITEMS.table
    rows = select(table.c.status, func.count()).where(*OUTPUT_ITEMS.mine(project_id), table.c.run_id == run_id)
    return {str(status): int(count) for status, count in connection.execute(rows.group_by(table.c.status))}


def is_needed(connection: Connection, file_id: str) -> bool:
    """Whether a run that is not over, of any project, reads this file."""
    table = EVAL_RUNS.table
    sources = connection.scalars(select(table.c.data_source).where(table.c.status.in_(WORKABLE)))
    return any(source["source"].get("id") == file_id for source in sources)
