"""OpenAI's chat layout: `messages` with roles, `tools`, per-turn `weight`; also the older `functions`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from luthier.data.rows import Conversation, RowRefused
from luthier.data.tool_calls import decode_json_field, read_calls, read_function_call, read_tools
from luthier.examples import Message, Role

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_MEANT = {
    "human": "user",
    "customer": "user",
    "gpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "agent": "assistant",
    "observation": "tool",
}
_ROW_KEYS = frozenset({"messages", "tools", "functions"})
_MESSAGE_KEYS = frozenset(
    {"role", "content", "weight", "tool_calls", "tool_call_id", "name", "function_call", "reasoning_content"}
)


def parse_chat(row: dict[str, Any], messages_key: str = "messages") -> Conversation:
    turns = row.get(messages_key)
    if isinstance(turns, str):
        turns = decode_json_field(turns, messages_key)
    if not isinstance(turns, list) or not turns:
        found = "is empty" if turns == [] else "is missing" if turns is None else "is no list"
        raise RowRefused(
            f"'{messages_key}' {found}",
            expected=f'"{messages_key}": [{{"role": ..., "content": ...}}]',
            fix="write the conversation as a list of turns",
        )
    notes = unused_keys(row, _ROW_KEYS | {messages_key}, "")
    messages: list[Message] = []
    for index, turn in enumerate(turns):
        plain = _read_plain_message(turn)
        messages.append(plain or _read_message(turn, f"{messages_key}[{index}]", messages))
        if plain is None and turn.keys() - _MESSAGE_KEYS:
            notes += unused_keys(turn, _MESSAGE_KEYS, "of a turn ")
    tools = read_tools(row.get("tools"), "tools") + read_tools(row.get("functions"), "functions")
    return Conversation(tuple(messages), tools, tuple(dict.fromkeys(notes)))


def unused_keys(row: dict[str, Any], known: Iterable[str], owner: str) -> tuple[str, ...]:
    """Notes for keys that carry something we do not use; null and empty values carry nothing."""
    unused = (key for key in row if key not in known and row[key] not in (None, [], {}, ""))
    return tuple(f"{key!r} {owner}is not used" for key in unused)


def read_content(content: Any, place: str) -> str:
    """Text, or a list of text parts joined; null is the empty text."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if not isinstance(content, list):
        raise RowRefused(
            f"{place}: content is of type {type(content).__name__}",
            expected="text, or a list of text parts",
            fix="write the content as a string (JSON inside it as JSON text)",
        )
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else type(part).__name__
        if kind != "text" or not isinstance(part.get("text"), str):
            raise RowRefused(
                f"{place}: a content part of type {kind!r}",
                expected='{"type": "text", "text": "..."}',
                fix="luthier tunes on text alone; take rows with images, audio or files out",
            )
    return "".join(part["text"] for part in content)


def _read_plain_message(turn: Any) -> Message | None:
    """A turn of nothing but role and text, as nearly all are; a short cut that halves the time of large files."""
    if isinstance(turn, dict) and len(turn) == 2 and isinstance(turn.get("content"), str):
        role = turn.get("role")
        if role in ("user", "assistant", "system"):
            return Message(role, turn["content"])
    return None


def _read_message(turn: Any, place: str, earlier: list[Message]) -> Message:
    if not isinstance(turn, dict):
        raise RowRefused(
            f"{place} is no object", expected='{"role": "user", "content": "..."}', fix="write each turn as an object"
        )
    role = _read_role(turn.get("role"), place)
    content = read_content(turn.get("content"), place)
    calls: tuple[dict[str, Any], ...] = ()
    call_id = _optional_text(turn, "tool_call_id", place)
    if role == "assistant":
        calls = read_calls(turn.get("tool_calls"), f"{place}.tool_calls")
        if turn.get("function_call") is not None:
            calls += (read_function_call(turn["function_call"], f"call_{len(earlier)}", f"{place}.function_call"),)
    elif turn.get("tool_calls") or turn.get("function_call"):
        raise RowRefused(
            f"{place}: a {role} turn with tool calls",
            expected="tool calls in assistant turns only",
            fix="check the turn's role",
        )
    elif turn["role"] == "function" and earlier and earlier[-1].tool_calls:
        call_id = earlier[-1].tool_calls[-1].get("id")
    return Message(
        role=role,
        content=content,
        weight=_read_weight(turn.get("weight"), role, place),
        tool_calls=calls,
        tool_call_id=call_id,
        name=_optional_text(turn, "name", place),
        reasoning=_optional_text(turn, "reasoning_content", place),
    )


def _read_role(role: Any, place: str) -> Role:
    known = _ROLES.get(role) if isinstance(role, str) else None
    if known is not None:
        return known
    if role is None:
        raise RowRefused(
            f"{place} has no 'role'",
            expected="a role: system, developer, user, assistant or tool",
            fix="say who speaks in this turn",
        )
    near = difflib.get_close_matches(str(role).lower(), _ROLES, n=1)
    meant = _MEANT.get(str(role).lower()) or (near[0] if near else None)
    raise RowRefused(
        f"{place}: unknown role {role!r}",
        expected="system, developer, user, assistant or tool",
        fix=f"did you mean {meant!r}?" if meant else "rename the role",
    )


def _read_weight(weight: Any, role: Role, place: str) -> float:
    if weight is None:
        return 1.0
    if isinstance(weight, bool) or weight not in (0, 1):
        raise RowRefused(
            f"{place}: weight is {weight!r}",
            expected="0 (not learnt from) or 1 (learnt from)",
            fix="write 0 or 1, or leave the weight out",
        )
    if role != "assistant":
        if weight == 0:
            return 1.0
        raise RowRefused(
            f"{place}: weight 1 on a {role} turn",
            expected="weights on assistant turns",
            fix="only assistant turns are learnt from; take the weight out",
        )
    return float(weight)


def _optional_text(turn: dict[str, Any], key: str, place: str) -> str | None:
    value = turn.get(key)
    if value is None or isinstance(value, str):
        return value
    raise RowRefused(
        f"{place}: {key!r} is of type {type(value).__name__}", expected=f"{key} as text", fix="put it in quotes"
    )
