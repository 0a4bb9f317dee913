"""From a row of an eval to what the model is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.evaluation.graders import parse_template
from luthier.jobs.evals.rows import Row

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
# Sent where the run names none, so that asking again gives the same; shown in every output item.
DEFAULT_SEED = 42


def is_asked(data_source: Mapping[str, Any]) -> bool:
    """Whether the run asks a model, or grades answers that are there already."""
    return data_source["type"] != "jsonl" and data_source.get("input_messages") is not None


def question(data_source: Mapping[str, Any], row: Row) -> tuple[str, dict[str, Any]]:
    """Path and body. Raises UnknownVariable where a template names what the item does not have."""
    params = data_source.get("sampling_params") or {}
    messages = _messages(data_source["input_messages"], row.item)
    body: dict[str, Any] = {"model": data_source["model"], "seed": params.get("seed", DEFAULT_SEED)}
    body |= {name: params[name] for name in ("temperature", "top_p", "tools") if params.get(name) is not None}
    limit = params.get("max_completion_tokens") or params.get("max_completions_tokens")
    effort = params.get("reasoning_effort")
    if data_source["type"] == "responses":
        body |= {"input": [_as_input(message) for message in messages], "store": False}
        body |= {"max_output_tokens": limit} if limit else {}
        body |= {"text": params["text"]} if params.get("text") else {}
        body |= {"reasoning": {"effort": effort}} if effort else {}
        return RESPONSES, body
    body["messages"] = [_as_chat(message) for message in messages]
    body |= {"max_completion_tokens": limit} if limit else {}
    body |= {"response_format": params["response_format"]} if params.get("response_format") else {}
    body |= {"reasoning_effort": effort} if effort else {}
    return CHAT, body


def _messages(input_messages: Mapping[str, Any], item: dict[str, Any]) -> list[dict[str, Any]]:
    variables = {"item": item}
    if input_messages["type"] == "item_reference":
        written = input_messages["item_reference"].strip().removeprefix("{{").removesuffix("}}").strip()
        found = parse_template("{{" + written + "}}").value(variables)
        if isinstance(found, str):
            return [{"role": "user", "content": found}]
        return [message for message in found if isinstance(message, dict)] if isinstance(found, list) else []
    return [
        {"role": turn["role"], "content": _filled(turn["content"], variables)} for turn in input_messages["template"]
    ]


def _filled(content: Any, variables: Mapping[str, Any]) -> Any:
    """All texts in ``content`` filled, whatever its form."""
    match content:
        case str():
            return parse_template(content).fill(variables)
        case list():
            return [_filled(part, variables) for part in content]
        case dict():
            return {key: _filled(value, variables) if key != "type" else value for key, value in content.items()}
        case _:
            return content


def _as_chat(message: dict[str, Any]) -> dict[str, Any]:
    """Parts of Responses as parts of chat completions; everything else stays."""
    content = message.get("content")
    kept = {key: value for key, value in message.items() if key not in ("type", "id", "status")}
    if isinstance(content, dict):
        content = [content]
    if isinstance(content, list):
        return {**kept, "content": [_chat_part(part) for part in content]}
    return kept


def _chat_part(part: Any) -> Any:
    match part:
        case str():
            return {"type": "text", "text": part}
        case {"type": "input_text" | "output_text", "text": text}:
            return {"type": "text", "text": text}
        case {"type": "input_image", "image_url": str(url)}:
            return {"type": "image_url", "image_url": {"url": url, "detail": part.get("detail", "auto")}}
        case _:
            return part


def _as_input(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, dict):
        content = [content]
    kind = "output_text" if message.get("role") == "assistant" else "input_text"
    if isinstance(content, list):
        content = [{"type": kind, "text": part} if isinstance(part, str) else part for part in content]
    return {key: value for key, value in {**message, "content": content}.items() if value is not None}
