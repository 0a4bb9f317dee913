"""Evals on the wire: their data, as it comes and as it is shown, and the object."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from luthier.server.wire.model import Metadata, StrictWire
from luthier.store import Eval

LONGEST_NAME = 1000
MOST_CRITERIA = 100
Name = Annotated[str, Field(max_length=LONGEST_NAME)]


class CustomData(StrictWire):
    type: Literal["custom"]
    item_schema: dict[str, Any]
    include_sample_schema: bool | None = None


class StoredData(StrictWire):
    """`stored_completions` is the old name of `logs`."""

    type: Literal["logs", "stored_completions"]
    metadata: dict[str, Any] | None = None


class CreateEval(StrictWire):
    """``testing_criteria`` are read by `jobs.eval_criteria.stored_criterion`, which knows the graders."""

    data_source_config: Annotated[CustomData | StoredData, Field(discriminator="type")]
    testing_criteria: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_CRITERIA)]
    name: Name | None = None
    metadata: Metadata | None = None


class UpdateEval(StrictWire):
    name: Name | None = None
    metadata: Metadata | None = None


def kept_config(asked: CustomData | StoredData) -> dict[str, Any]:
    return asked.model_dump(exclude_none=True)


def eval_object(eval: Eval) -> dict[str, Any]:
    return {
        "object": "eval",
        "id": eval.id,
        "name": eval.name,
        "created_at": eval.created_at,
        "updated_at": eval.updated_at,
        "metadata": eval.metadata or {},
        "data_source_config": _shown_config(eval.data_source_config),
        "testing_criteria": eval.testing_criteria,
    }


def _shown_config(kept: dict[str, Any]) -> dict[str, Any]:
    """What was asked becomes the schema of what templates see."""
    if kept["type"] == "custom":
        properties = {"item": kept["item_schema"]}
        properties |= {"sample": _sample_schema()} if kept.get("include_sample_schema") else {}
        return {"type": "custom", "schema": _object(properties)}
    shown = {"type": kept["type"], "schema": _object({"item": _stored_item_schema(), "sample": _sample_schema()})}
    return {**shown, "metadata": kept.get("metadata") or {}}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _stored_item_schema() -> dict[str, Any]:
    properties = {
        "input": {"type": "array", "items": {"type": "object"}},
        "model": {"type": "string"},
        "metadata": {"type": "object"},
        "tools": {"type": "array", "items": {"type": "object"}},
    }
    return {"type": "object", "properties": properties, "required": ["input"]}


def _sample_schema() -> dict[str, Any]:
    properties = {
        "output_text": {"type": "string"},
        "output_json": {},
        "output_tools": {"type": "array", "items": {"type": "object"}},
        "choices": {"type": "array", "items": {"type": "object"}},
    }
    return {"type": "object", "properties": properties, "required": ["output_text"]}
