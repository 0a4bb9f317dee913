"""Runs of evals on the wire: where their rows come from, what is asked of which model, and what came out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from luthier.server.wire.evals import Name
from luthier.server.wire.model import Metadata, Number, StrictWire, Wire
from luthier.store import EvalRun, OutputItem

MOST_ROWS_IN_A_REQUEST = 10_000
Moment = Annotated[int, Field(ge=0, le=2**62)]


class GivenRow(StrictWire):
    item: dict[str, Any]
    sample: dict[str, Any] | None = None


class FileContent(StrictWire):
    type: Literal["file_content"]
    content: Annotated[list[GivenRow], Field(min_length=1, max_length=MOST_ROWS_IN_A_REQUEST)]


class FileId(StrictWire):
    type: Literal["file_id"]
    id: str


class StoredCompletions(StrictWire):
    type: Literal["stored_completions"]
    metadata: Metadata | None = None
    model: str | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None
    limit: Annotated[int, Field(ge=1, le=10_000)] | None = None


class StoredResponses(StrictWire):
    type: Literal["responses"]
    metadata: Metadata | None = None
    model: str | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None
    instructions_search: str | None = None
    reasoning_effort: str | None = None
    temperature: Number | None = None
    top_p: Number | None = None
    tools: list[str] | None = None
    users: list[str] | None = None


class Turn(Wire):
    role: Annotated[str, Field(min_length=1)]
    content: str | dict[str, Any] | list[str | dict[str, Any]]


class TemplateMessages(StrictWire):
    type: Literal["template"]
    template: Annotated[list[Turn], Field(min_length=1)]


class ItemReference(StrictWire):
    type: Literal["item_reference"]
    item_reference: Annotated[str, Field(min_length=1)]


InputMessages = Annotated[TemplateMessages | ItemReference, Field(discriminator="type")]


class JsonlSource(StrictWire):
    type: Literal["jsonl"]
    source: Annotated[FileContent | FileId, Field(discriminator="type")]


class CompletionsSource(StrictWire):
    """``sampling_params`` are checked as a request is: by the model's own route, for each row."""

    type: Literal["completions"]
    source: Annotated[FileContent | FileId | StoredCompletions, Field(discriminator="type")]
    model: str | None = None
    input_messages: InputMessages | None = None
    sampling_params: dict[str, Any] | None = None


class ResponsesSource(StrictWire):
    type: Literal["responses"]
    source: Annotated[FileContent | FileId | StoredResponses, Field(discriminator="type")]
    model: str | None = None
    input_messages: InputMessages | None = None
    sampling_params: dict[str, Any] | None = None


DataSource = Annotated[JsonlSource | CompletionsSource | ResponsesSource, Field(discriminator="type")]


class CreateRun(StrictWire):
    data_source: DataSource
    name: Name | None = None
    metadata: Metadata | None = None


def kept_source(source: JsonlSource | CompletionsSource | ResponsesSource) -> dict[str, Any]:
    return source.model_dump(exclude_none=True)


def run_object(run: EvalRun, base_url: str) -> dict[str, Any]:
    return {
        "object": "eval.run",
        "id": run.id,
        "eval_id": run.eval_id,
        "report_url": f"{base_url}/evals/{run.eval_id}",
        "status": run.status,
        "model": run.model,
        "name": run.name,
        "created_at": run.created_at,
        "result_counts": run.result_counts or {"total": 0, "errored": 0, "failed": 0, "passed": 0},
        "per_model_usage": run.per_model_usage or [],
        "per_testing_criteria_results": run.per_testing_criteria_results or [],
        "data_source": run.data_source,
        "error": run.error,
        "metadata": run.metadata or {},
    }


def item_object(item: OutputItem) -> dict[str, Any]:
    return {
        "object": "eval.run.output_item",
        "id": item.id,
        "created_at": item.created_at,
        "run_id": item.run_id,
        "eval_id": item.eval_id,
        "status": item.status,
        "datasource_item_id": item.datasource_item_id,
        "datasource_item": item.datasource_item,
        "results": item.results,
        "sample": item.sample,
    }
