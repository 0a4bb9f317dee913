"""Stored completions and responses as rows of an eval: what was asked is the item, what was answered the sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from luthier.store import Asked, Store, StoredCompletion, StoredResponse, completions
from luthier.store.responses import RESPONSES

PORTION = 100


@dataclass(frozen=True)
class StoredRow:
    item: dict[str, Any]
    sample: dict[str, Any]


def stored_completion_rows(store: Store, project_id: str, source: Mapping[str, Any], most: int) -> Iterator[StoredRow]:
    """Oldest first, at most ``source.limit``."""
    created = (source.get("created_after"), source.get("created_before"))
    left, after = min(source.get("limit") or most, most), None
    while left > 0:
        with store.database.reading() as connection:
            asked = Asked(min(left, PORTION), after, "asc")
            metadata = source.get("metadata") or {}
            page = completions.page(connection, project_id, asked, source.get("model"), metadata, created)
        yield from map(_from_completion, page.items)
        if not page.has_more:
            return
        left, after = left - len(page.items), page.items[-1].id


def stored_response_rows(store: Store, project_id: str, source: Mapping[str, Any], most: int) -> Iterator[StoredRow]:
    """Oldest first, those that all the filters of ``source`` fit."""
    table, left, after = RESPONSES.table, most, None
    conditions = [] if source.get("model") is None else [table.c.model == source["model"]]
    conditions += [] if source.get("created_after") is None else [table.c.created_at >= source["created_after"]]
    conditions += [] if source.get("created_before") is None else [table.c.created_at <= source["created_before"]]
    while left > 0:
        with store.database.reading() as connection:
            page = RESPONSES.page(connection, project_id, Asked(PORTION, after, "asc"), *conditions)
        fitting = [response for response in page.items if _fits(response, source)][:left]
        yield from map(_from_response, fitting)
        if not page.has_more:
            return
        left, after = left - len(fitting), page.items[-1].id


def _from_completion(stored: StoredCompletion) -> StoredRow:
    request, choices = stored.request, stored.response.get("choices") or [{}]
    message = choices[0].get("message") or {}
    item = {
        "input": request.get("messages") or [],
        "model": stored.model,
        "metadata": stored.metadata or {},
        "tools": request.get("tools") or [],
    }
    sample = {
        "output_text": message.get("content") or "",
        "output_tools": message.get("tool_calls") or [],
        "choices": choices,
        "model": stored.model,
        "finish_reason": choices[0].get("finish_reason"),
        "usage": stored.response.get("usage"),
    }
    return StoredRow(item, sample)


def _from_response(stored: StoredResponse) -> StoredRow:
    item = {
        "input": stored.input_items,
        "instructions": stored.request.get("instructions"),
        "model": stored.model,
        "metadata": stored.response.get("metadata") or {},
        "tools": stored.request.get("tools") or [],
    }
    text, tools = texts_and_calls(stored.response)
    sample = {"output_text": text, "output_tools": tools, "model": stored.model, "usage": stored.response.get("usage")}
    return StoredRow(item, sample)


def texts_and_calls(response: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """The text of a response, and its calls in the form of chat completions."""
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    for output in response.get("output") or []:
        if output.get("type") == "function_call":
            function = {"name": output.get("name"), "arguments": output.get("arguments")}
            calls.append({"id": output.get("call_id"), "type": "function", "function": function})
        for part in output.get("content") or []:
            if part.get("type") == "output_text":
                texts.append(part.get("text") or "")
    return "".join(texts), calls


def _fits(stored: StoredResponse, source: Mapping[str, Any]) -> bool:
    request, response = stored.request, stored.response
    metadata, words = response.get("metadata") or {}, source.get("instructions_search")
    names = {tool.get("name") or tool.get("type") for tool in request.get("tools") or []}
    effort = (request.get("reasoning") or {}).get("effort")
    return (
        all(metadata.get(key) == value for key, value in (source.get("metadata") or {}).items())
        and (words is None or words.casefold() in str(request.get("instructions") or "").casefold())
        and all(source.get(key) in (None, response.get(key)) for key in ("temperature", "top_p"))
        and (source.get("reasoning_effort") in (None, effort))
        and (source.get("users") is None or request.get("user") in source["users"])
        and set(source.get("tools") or ()) <= names
    )
