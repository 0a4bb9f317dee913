"""What one row of a training file must look like, for each method (contract 10.1 to 10.3)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

SUPERVISED_KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})
PREFERENCE_KEYS = frozenset(
    {"input", "preferred_output", "non_preferred_output", "preferred_completion", "non_preferred_completion"}
)
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
MOST_FUNCTIONS = 128


class RowRefused(Exception):
    """``is_format``: the row as a whole has the wrong form; otherwise something inside a message has."""

    def __init__(self, found: str, is_format: bool = False):
        super().__init__(found)
        self.found = found
        self.is_format = is_format


Check = Callable[[dict[str, Any]], None]


def check_supervised(row: dict[str, Any]) -> None:
    if "messages" not in row and {"prompt", "completion"} == set(row):
        _check_completion(row)
        return
    _check_keys(row, SUPERVISED_KEYS, "messages")
    messages = _messages(row["messages"], "messages")
    if not any(message["role"] == "assistant" for message in messages):
        raise RowRefused("there is no assistant message")
    _check_tools(row)


def check_preference(row: dict[str, Any]) -> None:
    _check_keys(row, PREFERENCE_KEYS, "input")
    given = row["input"]
    if not isinstance(given, dict) or "messages" not in given:
        raise RowRefused("'input' must be an object with the key 'messages'", is_format=True)
    if extra := sorted(set(given) - SUPERVISED_KEYS):
        raise RowRefused(f"unknown key '{extra[0]}' in 'input'", is_format=True)
    _messages(given["messages"], "input.messages")
    _check_tools(given)
    for name, older in (
        ("preferred_output", "preferred_completion"),
        ("non_preferred_output", "non_preferred_completion"),
    ):
        key = name if name in row else older
        if key not in row:
            raise RowRefused(f"the key '{name}' is missing", is_format=True)
        output = _messages(row[key], key)
        if output[-1]["role"] != "assistant":
            raise RowRefused(f"the last message of '{key}' must be an assistant message")


def check_reinforcement(row: dict[str, Any]) -> None:
    """Other keys are free: they become ``{{item.<key>}}``."""
    if "messages" not in row:
        raise RowRefused(_missing("messages", row), is_format=True)
    messages = _messages(row["messages"], "messages")
    if messages[-1]["role"] == "assistant":
        raise RowRefused("the last message must not be an assistant message: the model is to write it")
    _check_tools(row)


CHECKS: dict[str, Check] = {
    "supervised": check_supervised,
    "dpo": check_preference,
    "reinforcement": check_reinforcement,
}


def _check_keys(row: dict[str, Any], known: frozenset[str], needed: str) -> None:
    if needed not in row:
        raise RowRefused(_missing(needed, row), is_format=True)
    if extra := sorted(set(row) - known):
        raise RowRefused(f"unknown key '{extra[0]}'; allowed are {', '.join(sorted(known))}", is_format=True)


def _missing(needed: str, row: dict[str, Any]) -> str:
    """With a hint where the row is of another method."""
    hint = ""
    if "preferred_output" in row or "preferred_completion" in row:
        hint = "; the row is one of method dpo"
    elif "messages" in row:
        hint = "; the row is one of method supervised or reinforcement"
    return f"the key '{needed}' is missing{hint}"


def _check_completion(row: dict[str, Any]) -> None:
    for key in ("prompt", "completion"):
        if not isinstance(row[key], str):
            raise RowRefused(f"'{key}' must be a string")


def _messages(value: Any, key: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise RowRefused(f"'{key}' must be a list with at least one message", is_format=True)
    calls: set[str] = set()
    for number, message in enumerate(value, 1):
        try:
            _check_message(message, calls)
        except RowRefused as refused:
            raise RowRefused(f"message {number} of '{key}': {refused.found}") from None
    return value


def _check_message(message: Any, calls: set[str]) -> None:
    """``calls``: ids of the tool calls so far, which a later tool message may answer."""
    if not isinstance(message, dict):
        raise RowRefused("it is no object")
    role = message.get("role")
    if role not in ROLES:
        found = "the role is missing" if role is None else f"unknown role {str(role)[:40]!r}"
        raise RowRefused(f"{found}; expected one of {', '.join(ROLES)}")
    has_call = bool(message.get("tool_calls") or message.get("function_call"))
    _check_content(message.get("content"), is_optional=role == "assistant" and has_call)
    if message.get("name") is not None and not isinstance(message["name"], str):
        raise RowRefused("'name' must be a string")
    weight = message.get("weight")
    if weight is not None and (isinstance(weight, bool) or weight not in (0, 1)):
        raise RowRefused(f"'weight' must be 0 or 1, not {json.dumps(weight)[:40]}")
    if has_call and role != "assistant":
        raise RowRefused(f"a {role} message with tool calls")
    if message.get("function_call") is not None:
        _check_function(message["function_call"], "function_call")
    for call in _calls_of(message):
        calls.add(call)
    if role == "tool" and message.get("tool_call_id") not in calls:
        raise RowRefused("'tool_call_id' must be the id of an earlier tool call")


def _check_content(content: Any, is_optional: bool) -> None:
    if isinstance(content, str) or (content is None and is_optional):
        return
    if not isinstance(content, list) or not content:
        raise RowRefused("'content' must be a string or a list of parts")
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "image_url":
            raise RowRefused("images are not supported: this base model reads text only")
        if not isinstance(part, dict) or kind != "text" or not isinstance(part.get("text"), str):
            raise RowRefused('a part of \'content\' must be {"type": "text", "text": "…"}')


def _calls_of(message: dict[str, Any]) -> list[str]:
    calls = message.get("tool_calls")
    if calls is None:
        return []
    if not isinstance(calls, list):
        raise RowRefused("'tool_calls' must be a list")
    for call in calls:
        if not isinstance(call, dict) or not isinstance(call.get("id"), str) or call.get("type") != "function":
            raise RowRefused("a tool call needs a string 'id', and 'type' \"function\"")
        _check_function(call.get("function"), "function")
    return [call["id"] for call in calls]


def _check_function(value: Any, key: str) -> None:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not value["name"]:
        raise RowRefused(f"'{key}' needs a 'name'")
    if not isinstance(value.get("arguments"), str):
        raise RowRefused(f"'{key}.arguments' must be a string of JSON text")


def _check_tools(row: dict[str, Any]) -> None:
    for key in ("tools", "functions"):
        value = row.get(key)
        if value is None:
            continue
        if not isinstance(value, list) or len(value) > MOST_FUNCTIONS or (key == "functions" and not value):
            raise RowRefused(f"'{key}' must be a list of at most {MOST_FUNCTIONS} functions", is_format=True)
        for tool in value:
            function = tool.get("function") if key == "tools" and isinstance(tool, dict) else tool
            if not isinstance(function, dict) or not isinstance(function.get("name"), str):
                raise RowRefused(f"every entry of '{key}' needs a function name", is_format=True)
    if not isinstance(row.get("parallel_tool_calls", True), bool | None):
        raise RowRefused("'parallel_tool_calls' must be true or false", is_format=True)
