"""How a template wants its conversation: which roles it knows, and in what form it takes contents and tool calls.

Found by rendering small probes, because a template tells what it supports only by what it writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from luthier.errors import DataError, ModelError
from luthier.examples import Message

Row = dict[str, Any]
RenderRows = Callable[[Sequence[Row], Sequence[dict[str, Any]], bool], str]

SYSTEM_FOLDED = "the template takes no system turn: its text was put before the first user turn"
SYSTEM_JOINED = "several system turns at the beginning were joined to one"
DEVELOPER_AS_SYSTEM = "the template knows no developer role: written as a system turn"
ARGUMENTS_NOT_JSON = "the arguments of a tool call are no JSON object: passed to the template as text"

_USER, _SYSTEM, _NAME, _KEY, _VALUE = "probeuser", "probesystem", "probefunction", "probekey", "probevalue"


@dataclass(frozen=True)
class Layout:
    """What the probes found. ``arguments``: tool calls carry a parsed object or the JSON text of OpenAI's layout."""

    contents: Literal["text", "parts"] = "text"
    has_system: bool = True
    has_developer: bool = False
    arguments: Literal["object", "text"] = "object"


def probe_layout(render: RenderRows, template: str) -> Layout:
    """Find the layout that loses nothing; ``render`` raises DataError where the template refuses."""
    layout = _probe_contents(render)
    user = Message("user", _USER)
    system_rows = lay_out((Message("system", _SYSTEM), user), layout)[0]
    layout = replace(layout, has_system=_SYSTEM in _try(render, system_rows))
    # Templates that echo any role name would "support" a developer turn that their model has never seen.
    if "developer" in template:
        developer_rows = lay_out((Message("developer", _SYSTEM), user), replace(layout, has_developer=True))[0]
        layout = replace(layout, has_developer=_SYSTEM in _try(render, developer_rows))
    return replace(layout, arguments=_probe_arguments(render, layout))


def _probe_contents(render: RenderRows) -> Layout:
    for contents in ("text", "parts"):
        layout = Layout(contents=contents)
        if _USER in _try(render, lay_out((Message("user", _USER),), layout)[0]):
            return layout
    try:
        written = repr(render(lay_out((Message("user", _USER),), Layout())[0], (), True)[:200])
    except DataError as error:
        written = error.found
    raise ModelError(
        f"the chat template does not write the text of a user turn; it gave: {written}",
        expected="a template that renders [{'role': 'user', 'content': '...'}]",
        fix="choose another template: model.chat_template=plain, or the path of a .jinja file",
    )


def _probe_arguments(render: RenderRows, layout: Layout) -> Literal["object", "text"]:
    """The first form that is written as clean JSON; a template can also repr a dict or quote a string twice."""
    function = {"name": _NAME, "arguments": json.dumps({_KEY: _VALUE})}
    call = {"id": "call00001", "type": "function", "function": function}
    messages = (Message("user", _USER), Message("assistant", "", tool_calls=(call,)))
    for form in ("object", "text"):
        text = _try(render, lay_out(messages, replace(layout, arguments=form))[0], False)
        spoilt = f"'{_KEY}'" in text or f'\\"{_KEY}\\"' in text
        if _NAME in text and _VALUE in text and not spoilt:
            return form
    return "object"


def _try(render: RenderRows, rows: Sequence[Row], add_generation_prompt: bool = True) -> str:
    try:
        return render(rows, (), add_generation_prompt)
    except DataError:
        return ""


def lay_out(messages: Sequence[Message], layout: Layout) -> tuple[list[Row], tuple[str, ...]]:
    """The turns as the template wants them, and notes on what had to be changed."""
    notes: list[str] = []
    if not layout.has_developer and any(m.role == "developer" for m in messages):
        messages = [replace(m, role="system") if m.role == "developer" else m for m in messages]
        notes.append(DEVELOPER_AS_SYSTEM)
    messages = _join_leading_system(messages, notes)
    if not layout.has_system and messages and messages[0].role == "system":
        messages = _fold_system(messages)
        notes.append(SYSTEM_FOLDED)
    return [_row(m, layout, notes) for m in messages], tuple(dict.fromkeys(notes))


def _join_leading_system(messages: Sequence[Message], notes: list[str]) -> Sequence[Message]:
    count = 0
    while count < len(messages) and messages[count].role == "system":
        count += 1
    if count < 2:
        return messages
    notes.append(SYSTEM_JOINED)
    joined = replace(messages[0], content="\n\n".join(m.content for m in messages[:count]))
    return [joined, *messages[count:]]


def _fold_system(messages: Sequence[Message]) -> Sequence[Message]:
    system, *rest = messages
    if rest and rest[0].role == "user":
        return [replace(rest[0], content=f"{system.content}\n\n{rest[0].content}"), *rest[1:]]
    return [replace(system, role="user"), *rest]


def _row(message: Message, layout: Layout, notes: list[str]) -> Row:
    content: Any = message.content
    if layout.contents == "parts":
        content = [{"type": "text", "text": message.content}]
    row: Row = {"role": message.role, "content": content}
    if message.tool_calls:
        row["tool_calls"] = [_call(call, layout, notes) for call in message.tool_calls]
    if message.tool_call_id is not None:
        row["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        row["name"] = message.name
    if message.reasoning is not None:
        row["reasoning_content"] = row["thinking"] = message.reasoning
    return row


def _call(call: dict[str, Any], layout: Layout, notes: list[str]) -> dict[str, Any]:
    function = dict(call.get("function", call))
    arguments = function.get("arguments", {})
    if layout.arguments == "object" and isinstance(arguments, str):
        function["arguments"] = _parsed(arguments, notes)
    elif layout.arguments == "text" and not isinstance(arguments, str):
        function["arguments"] = json.dumps(arguments, ensure_ascii=False)
    wrapper = {k: v for k, v in call.items() if k not in ("name", "arguments")}
    return {"type": "function", **wrapper, "function": function}


def _parsed(arguments: str, notes: list[str]) -> Any:
    try:
        value = json.loads(arguments)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    notes.append(ARGUMENTS_NOT_JSON)
    return arguments
