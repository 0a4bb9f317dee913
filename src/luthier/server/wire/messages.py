"""Messages of a chat: from the wire to the plain form that templates read, every content a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from luthier.server.errors import invalid, shown
from luthier.server.wire.model import Wire

TEXT_PARTS = ("text", "input_text", "output_text")


class ContentPart(Wire):
    type: str
    text: str | None = None
    refusal: str | None = None


class WireFunction(Wire):
    name: Annotated[str, Field(min_length=1, max_length=64)]
    arguments: str = ""


class WireCall(Wire):
    id: Annotated[str, Field(min_length=1, max_length=256)]
    type: Literal["function"] = "function"
    function: WireFunction


class WireMessage(Wire):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[WireCall] | None = None
    function_call: WireFunction | None = None
    tool_call_id: str | None = None


def plain_messages(messages: Sequence[WireMessage]) -> tuple[dict[str, Any], ...]:
    """Raises 400 for parts that are no text, and for turns that lack what their role needs."""
    return tuple(_plain(message, f"messages[{place}]") for place, message in enumerate(messages))


def text_of(content: str | Sequence[ContentPart] | None, param: str) -> str:
    """The texts of all parts, one after another."""
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for part in content:
        text = part.text if part.type in TEXT_PARTS else part.refusal if part.type == "refusal" else None
        if text is None:
            raise invalid(
                f"Invalid content type. The served models read text only; found a part of type '{shown(part.type)}'.",
                param,
            )
        texts.append(text)
    return "".join(texts)


def _plain(message: WireMessage, param: str) -> dict[str, Any]:
    calls = _calls_of(message)
    if message.content is None and not (message.role == "assistant" and (calls or message.refusal is not None)):
        raise invalid(f"Invalid value for '{param}.content': expected a text, got null.", f"{param}.content")
    plain: dict[str, Any] = {"role": message.role, "content": text_of(message.content, f"{param}.content")}
    if message.role == "assistant" and not plain["content"] and message.refusal:
        plain["content"] = message.refusal
    if message.name is not None:
        plain["name"] = message.name
    if message.role == "assistant" and calls:
        plain["tool_calls"] = calls
    if message.role == "function":
        plain["role"] = "tool"
    if message.role == "tool":
        if message.tool_call_id is None:
            raise invalid(f"Missing required parameter: '{param}.tool_call_id'.", f"{param}.tool_call_id")
        plain["tool_call_id"] = message.tool_call_id
    return plain


def _calls_of(message: WireMessage) -> list[dict[str, Any]]:
    if message.function_call is not None:
        function = message.function_call
        return [{"id": f"call_{function.name}", "type": "function", "function": function.model_dump()}]
    return [call.model_dump() for call in message.tool_calls or ()]
