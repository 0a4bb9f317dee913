"""How a chat template writes tool calls, found by rendering a probe; and reading calls in that form."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from luthier.errors import DataError
from luthier.examples import Message
from luthier.tokens import ChatTemplate

_ASK, _NAME, _KEY, _VALUE = "probeask", "probefunction", "probekey", "probevalue"


@dataclass(frozen=True)
class ToolCall:
    """``arguments`` is JSON text, as OpenAI has it."""

    name: str
    arguments: str


@dataclass(frozen=True)
class ToolFormat:
    """Calls are JSON objects with these keys, between ``lead`` and ``close``; ``is_list``: one list holds all calls.

    An empty ``lead`` means that an answer which is such an object is a call (Llama 3).
    """

    lead: str
    close: str
    name_key: str
    arguments_key: str
    is_list: bool = False
    is_text: bool = False


def find_tool_format(chat: ChatTemplate) -> ToolFormat | None:
    """None where the template writes no calls, or not as JSON objects: then calls stay part of the answer's text."""
    parameters = {"type": "object", "properties": {_KEY: {"type": "string"}}}
    tools = ({"type": "function", "function": {"name": _NAME, "description": "", "parameters": parameters}},)
    function = {"name": _NAME, "arguments": json.dumps({_KEY: _VALUE})}
    call = {"id": "call00001", "type": "function", "function": function}
    ask = Message("user", _ASK)
    try:
        prompt = chat.render([ask], tools, add_generation_prompt=True)
        full = chat.render([ask, Message("assistant", "", tool_calls=(call,))], tools, add_generation_prompt=False)
    except DataError:
        return None
    written = full[len(prompt) :] if full.startswith(prompt) else full.rpartition(_ASK)[2]
    for start, letter in enumerate(written[: written.find(_NAME) + 1]):
        value, end = _json_at(written, start) if letter in "{[" else (None, start)
        found = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(found, dict) and _NAME in found.values():
            return _read_format(chat, written, (start, end), found, isinstance(value, list))
    return None


def parse_calls(text: str, form: ToolFormat, names: Sequence[str]) -> tuple[str, list[ToolCall]]:
    """The text before the calls, and the calls. Where something is no whole call of a tool in ``names``, the text
    comes back as it was."""
    before, lead, rest = text.partition(form.lead) if form.lead else ("", "", text)
    if form.lead and not lead:
        return text, []
    calls: list[ToolCall] = []
    rest = rest.strip()
    while rest:
        value, end = _json_at(rest, 0)
        for item in value if isinstance(value, list) else [value]:
            call = _call_of(item, form)
            if call is None or call.name not in names:
                return text, []
            calls.append(call)
        rest = _without_marks(rest[end:], form)
    return (before.rstrip(), calls) if calls else (text, [])


def _without_marks(rest: str, form: ToolFormat) -> str:
    rest = rest.strip()
    for mark in (form.close, ";", ",", form.lead):
        rest = rest.removeprefix(mark).strip() if mark else rest
    return rest


def _call_of(item: Any, form: ToolFormat) -> ToolCall | None:
    if not isinstance(item, dict) or not isinstance(item.get(form.name_key), str):
        return None
    arguments = item.get(form.arguments_key, {})
    if isinstance(arguments, str):
        return ToolCall(item[form.name_key], arguments)
    return ToolCall(item[form.name_key], json.dumps(arguments, ensure_ascii=False, separators=(",", ":")))


def _read_format(
    chat: ChatTemplate, written: str, span: tuple[int, int], found: dict[str, Any], is_list: bool
) -> ToolFormat | None:
    name_key = next(key for key, value in found.items() if value == _NAME)
    arguments = {key: value for key, value in found.items() if _VALUE in json.dumps(value)}
    if len(arguments) != 1:
        return None
    ((arguments_key, value),) = arguments.items()
    after = written[span[1] :]
    ends = chat.endings.matches(after)
    close = after[: ends[0].start()] if ends else after
    return ToolFormat(
        written[: span[0]].strip(), close.strip(), name_key, arguments_key, is_list, isinstance(value, str)
    )


def _json_at(text: str, start: int) -> tuple[Any, int]:
    try:
        return json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, start
