"""Tools and tool calls, in OpenAI's present form, its older `functions` form and ShareGPT's, made one form.

Afterwards each call is ``{"id", "type": "function", "function": {"name", "arguments"}}`` with the arguments as JSON
text, and each tool ``{"type": "function", "function": {"name", ...}}``.
"""

from __future__ import annotations

import json
from typing import Any

from luthier.data.json_text import decode_json, refuse_deep
from luthier.data.rows import RowRefused

_CALL_SHAPE = '{"id": "call_1", "type": "function", "function": {"name": "...", "arguments": "{...}"}}'
_TOOL_SHAPE = '{"type": "function", "function": {"name": "...", "parameters": {...}}}'


def read_tools(value: Any, place: str) -> tuple[dict[str, Any], ...]:
    """The tools of a row: a list, or the JSON text of one; nothing, null and "" mean none."""
    if isinstance(value, str):
        value = decode_json_field(value, place) if value.strip() else None
    if value is None:
        return ()
    if not isinstance(value, list):
        raise RowRefused(
            f"'{place}' is no list",
            expected=f"a list of tools, each {_TOOL_SHAPE}",
            fix=f"put square brackets around the value of '{place}'",
        )
    refuse_deep(value)
    return tuple(_read_tool(tool, f"{place}[{index}]") for index, tool in enumerate(value))


def read_calls(value: Any, place: str) -> tuple[dict[str, Any], ...]:
    """The tool calls of one assistant turn; null and an empty list mean none."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise RowRefused(
            f"{place} is no list",
            expected=f"a list of calls, each {_CALL_SHAPE}",
            fix=f"put square brackets around the value of {place}",
        )
    return tuple(_read_call(call, f"{place}[{index}]") for index, call in enumerate(value))


def read_function_call(value: Any, call_id: str, place: str) -> dict[str, Any]:
    """One call in the older form, ``{"name", "arguments"}``, which has no id of its own."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise RowRefused(
            f"{place} has no 'name'",
            expected='{"name": "...", "arguments": "{...}"}',
            fix="name the function that is called",
        )
    function = {"name": value["name"], "arguments": _arguments_text(value.get("arguments"), place)}
    return {"id": call_id, "type": "function", "function": function}


def decode_json_field(text: str, place: str) -> Any:
    """JSON text inside a field of a row."""
    try:
        return decode_json(text)
    except RowRefused as refused:
        raise RowRefused(f"'{place}': {refused.found}", expected="JSON text", fix=refused.fix) from refused


def _read_tool(tool: Any, place: str) -> dict[str, Any]:
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
        raise RowRefused(f"{place} has no function name", expected=_TOOL_SHAPE, fix="give each tool a function name")
    if tool.get("type") not in (None, "function") and function is not tool:
        raise RowRefused(
            f"{place} is of type {tool['type']!r}",
            expected='tools of type "function"',
            fix="describe the tool as a function",
        )
    return {"type": "function", "function": function}


def _read_call(call: Any, place: str) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
        raise RowRefused(f"{place} has no function name", expected=_CALL_SHAPE, fix="write the call in this shape")
    if call.get("type") not in (None, "function"):
        raise RowRefused(
            f"{place} is of type {call['type']!r}",
            expected='calls of type "function"',
            fix="write the call as a function call",
        )
    identity = {"id": call["id"]} if isinstance(call.get("id"), str) else {}
    arguments = _arguments_text(function.get("arguments"), place)
    return {**identity, "type": "function", "function": {"name": function["name"], "arguments": arguments}}


def _arguments_text(arguments: Any, place: str) -> str:
    if arguments is None or arguments == "":
        return "{}"
    value = decode_json_field(arguments, f"{place}.arguments") if isinstance(arguments, str) else arguments
    if not isinstance(value, dict):
        raise RowRefused(
            f"{place}: the arguments are no JSON object",
            expected='arguments such as "{\\"city\\": 1}"',
            fix="write the arguments as one object",
        )
    refuse_deep(value)
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False, default=str)
