"""Tool calls against BFCL's truth: which calls must be made, and for each argument the values that are accepted.

The truth is a list of {"function": {"argument": [accepted, ...]}}; an accepted "" says that the argument may be left
out. An empty truth wants no call at all. Source: ShishirPatil/gorilla, the AST checks of the Berkeley leaderboard.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TAGGED = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)
# BFCL compares texts without these signs, in small letters.
_IGNORED = re.compile(r"[ ,./\-_*^]")


@dataclass(frozen=True)
class Call:
    name: str
    arguments: Mapping[str, Any]


def calls_made(text: str, tool_calls: Sequence[Mapping[str, Any]]) -> list[Call] | None:
    """Those of the answer's `tool_calls`; else those written in its text: tagged or plain JSON, or `[f(a=1)]`.

    Empty for an answer in words, None for a call that cannot be read.
    """
    if tool_calls:
        return _all_calls([call.get("function", call) for call in tool_calls])
    tagged = _TAGGED.findall(text)
    if tagged:
        return _all_calls([_decoded(part) for part in tagged])
    value = _decoded(text.strip())
    if isinstance(value, dict) and "name" in value:
        return _all_calls([value])
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        return _all_calls([part.get("function", part) for part in value])
    return _python_calls(text.strip())


def is_match(calls: Sequence[Call] | None, truth: Any, functions: Any = None, in_order: bool = False) -> bool:
    """Whether each call of the truth is made once and none beside. ``functions`` are the tools' schemas, if known."""
    wanted = _truths(truth)
    if calls is None or len(calls) != len(wanted):
        return False
    schemas = _schemas(functions)
    fits = [[_fits(call, name, values, schemas.get(name)) for name, values in wanted] for call in calls]
    if in_order:
        return all(fits[place][place] for place in range(len(wanted)))
    return _can_pair(fits)


def _can_pair(fits: Sequence[Sequence[bool]]) -> bool:
    """Whether every call gets a truth of its own (Kuhn's augmenting paths)."""
    owner: dict[int, int] = {}

    def place(call: int, seen: set[int]) -> bool:
        for truth, is_fit in enumerate(fits[call]):
            if is_fit and truth not in seen:
                seen.add(truth)
                if truth not in owner or place(owner[truth], seen):
                    owner[truth] = call
                    return True
        return False

    return all(place(call, set()) for call in range(len(fits)))


def _fits(call: Call, name: str, values: Mapping[str, Any], schema: Mapping[str, Any] | None) -> bool:
    if call.name.replace(".", "_") != name.replace(".", "_"):
        return False
    properties = (schema or {}).get("properties", {})
    required = (schema or {}).get("required", ())
    if any(key not in values for key in call.arguments) or any(key not in call.arguments for key in required):
        return False
    return all(
        _is_accepted(call.arguments[key], accepted, properties.get(key, {}).get("type"))
        if key in call.arguments
        else "" in accepted
        for key, accepted in values.items()
    )


def _is_accepted(value: Any, accepted: Sequence[Any], kind: str | None) -> bool:
    """A whole number is a fine float, a float no whole number."""
    if kind == "integer" and isinstance(value, float):
        return False
    return any(_is_same(value, one) for one in accepted)


def _is_same(value: Any, accepted: Any) -> bool:
    if isinstance(value, bool) or isinstance(accepted, bool):
        return value is accepted
    if isinstance(value, int | float) and isinstance(accepted, int | float):
        return value == accepted
    if isinstance(value, str) and isinstance(accepted, str):
        return _plain(value) == _plain(accepted)
    if isinstance(value, list) and isinstance(accepted, list):
        return len(value) == len(accepted) and all(_is_same(a, b) for a, b in zip(value, accepted, strict=True))
    if isinstance(value, dict) and isinstance(accepted, dict):
        # Inside an object BFCL lists accepted values again.
        return all(key in accepted for key in value) and all(
            _is_accepted(value[key], values if isinstance(values, list) else [values], None)
            if key in value
            else isinstance(values, list) and "" in values
            for key, values in accepted.items()
        )
    return value is None and accepted is None


def _plain(text: str) -> str:
    return _IGNORED.sub("", text).lower().replace("'", '"')


def _truths(truth: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """Raises ValueError for what is no truth in BFCL's format."""
    value = _decoded(truth) if isinstance(truth, str) else truth
    if not isinstance(value, list):
        raise ValueError("the truth is no list of {function: {argument: [accepted]}}")
    found = []
    for part in value:
        if not isinstance(part, dict) or len(part) != 1:
            raise ValueError("a truth names no single function")
        ((name, values),) = part.items()
        if not isinstance(values, dict) or not all(isinstance(accepted, list) for accepted in values.values()):
            raise ValueError(f"the truth of {name} has no list of accepted values for each argument")
        found.append((name, values))
    return found


def _schemas(functions: Any) -> dict[str, Mapping[str, Any]]:
    value = _decoded(functions) if isinstance(functions, str) else functions
    named = [part.get("function", part) for part in value or () if isinstance(part, dict)]
    return {str(part["name"]): part.get("parameters") or {} for part in named if "name" in part}


def _all_calls(values: Sequence[Any]) -> list[Call] | None:
    found = []
    for value in values:
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            return None
        given = value.get("arguments", value.get("parameters", {}))
        arguments = _decoded(given) if isinstance(given, str) else given
        if not isinstance(arguments, dict):
            return None
        found.append(Call(value["name"], arguments))
    return found


def _python_calls(text: str) -> list[Call] | None:
    """`[f(a=1), m.g(b="x")]`, read and never run."""
    if not re.match(r"\[?\s*[A-Za-z_][\w.]*\s*\(", text):
        return []
    try:
        tree = ast.parse(text, mode="eval").body
        parts = tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]
        found = []
        for part in parts:
            if not isinstance(part, ast.Call) or part.args or any(word.arg is None for word in part.keywords):
                return None
            arguments = {str(word.arg): ast.literal_eval(word.value) for word in part.keywords}
            found.append(Call(ast.unparse(part.func), json.loads(json.dumps(arguments))))
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        # Words that begin like a call are an answer in words.
        return []
    return found


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
