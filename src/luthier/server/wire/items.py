"""Items of a response, in and out: messages, calls of functions and their outputs, as turns of a chat and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from luthier.answering import TokenChance
from luthier.server.errors import invalid, shown
from luthier.server.inference.answers import Choice
from luthier.server.wire.chat_answers import chance_body
from luthier.server.wire.messages import ContentPart, text_of
from luthier.server.wire.model import Shape
from luthier.store import new_id

ROLES = ("system", "developer", "user", "assistant")


def messages_of(items: Sequence[Shape]) -> tuple[dict[str, Any], ...]:
    """Turns of a chat; calls that follow each other belong to one turn. Raises 400 for items of another kind."""
    messages: list[dict[str, Any]] = []
    for place, item in enumerate(items):
        param = f"input[{place}]"
        match item.get("type", "message"):
            case "message":
                messages.append(_message(item, param))
            case "function_call":
                _add_call(messages, _call(item, param))
            case "function_call_output":
                output = _text(item.get("output"), f"{param}.output")
                id = _string(item, "call_id", param)
                messages.append({"role": "tool", "tool_call_id": id, "content": output})
            case "reasoning":
                pass  # thoughts of another model are of no use to this one
            case kind:
                told = f"Invalid value for '{param}.type': '{shown(str(kind))}' is not supported."
                raise invalid(told, f"{param}.type")
    return tuple(messages)


def with_ids(items: Sequence[Shape]) -> list[Shape]:
    """As they are kept: every item has an id."""
    return [{**item, "id": item.get("id") or new_id("msg_"), "type": item.get("type", "message")} for item in items]


def output_items(choice: Choice, ids: Sequence[str], shows_logprobs: bool) -> list[Shape]:
    """The message, where there is a text or nothing else, then the calls; ``ids`` in that order."""
    items: list[Shape] = []
    is_cut = choice.finish == "length"
    if choice.text or not choice.tools:
        items.append(message_item(ids[0], choice.text, choice.chances if shows_logprobs else (), is_cut))
    for call in choice.tools:
        items.append(call_item(ids[len(items)], call.id or "", call.name or "", call.arguments))
    return items


def message_item(id: str, text: str, chances: Sequence[TokenChance] = (), is_cut: bool = False) -> Shape:
    status = "incomplete" if is_cut else "completed"
    return {"type": "message", "id": id, "status": status, "role": "assistant", "content": [text_part(text, chances)]}


def text_part(text: str, chances: Sequence[TokenChance] = ()) -> Shape:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": item_logprobs(chances)}


def item_logprobs(chances: Sequence[TokenChance]) -> list[Shape]:
    """As in chats, but bytes are never null here."""
    shown_chances = [chance_body(chance) for chance in chances]
    for body in shown_chances:
        for entry in (body, *body["top_logprobs"]):
            entry["bytes"] = entry["bytes"] or []
    return shown_chances


def call_item(id: str, call_id: str, name: str, arguments: str, status: str = "completed") -> Shape:
    return {
        "type": "function_call",
        "id": id,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
        "status": status,
    }


def _message(item: Shape, param: str) -> dict[str, Any]:
    role = item.get("role")
    if role not in ROLES:
        raise invalid(f"Invalid value for '{param}.role': expected one of {', '.join(ROLES)}.", f"{param}.role")
    return {"role": role, "content": _text(item.get("content"), f"{param}.content")}


def _call(item: Shape, param: str) -> dict[str, Any]:
    function = {"name": _string(item, "name", param), "arguments": _string(item, "arguments", param)}
    return {"id": _string(item, "call_id", param), "type": "function", "function": function}


def _add_call(messages: list[dict[str, Any]], call: dict[str, Any]) -> None:
    if messages and messages[-1]["role"] == "assistant":
        messages[-1] = {**messages[-1], "tool_calls": [*messages[-1].get("tool_calls", ()), call]}
    else:
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})


def _text(content: Any, param: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise invalid(f"Invalid value for '{param}': expected a text or a list of parts.", param)
    try:
        return text_of([ContentPart.model_validate(part) for part in content], param)
    except ValidationError:
        raise invalid(f"Invalid value for '{param}': expected parts with a type and a text.", param) from None


def _string(item: Shape, name: str, param: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or (not value and name != "arguments"):
        raise invalid(f"Invalid value for '{param}.{name}': expected a text.", f"{param}.{name}")
    return value
