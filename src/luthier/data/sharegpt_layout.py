"""ShareGPT: `conversations` of `from`/`value` turns, tools as JSON text, calls as turns of their own."""

from __future__ import annotations

import difflib
from typing import Any

from luthier.data.chat_layout import read_content, unused_keys
from luthier.data.rows import Conversation, RowRefused
from luthier.data.tool_calls import decode_json_field, read_function_call, read_tools
from luthier.examples import Message, Role

_SPEAKERS: dict[str, Role] = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "observation": "tool",
    "tool": "tool",
    "function_response": "tool",
}
_TURN_KEYS = frozenset({"from", "value", "weight"})


def parse_sharegpt(row: dict[str, Any], turns_key: str = "conversations") -> Conversation:
    turns = row.get(turns_key)
    if isinstance(turns, str):
        turns = decode_json_field(turns, turns_key)
    if not isinstance(turns, list) or not turns:
        raise RowRefused(
            f"'{turns_key}' is missing, empty or no list",
            expected=f'"{turns_key}": [{{"from": "human", "value": "..."}}, ...]',
            fix="write the conversation as a list of turns",
        )
    system = read_content(row.get("system"), "system")
    messages = [Message("system", system)] if system else []
    notes = unused_keys(row, {turns_key, "tools", "system"}, "")
    for index, turn in enumerate(turns):
        place = f"{turns_key}[{index}]"
        messages.append(_read_turn(turn, place, messages))
        if turn.keys() - _TURN_KEYS:
            notes += unused_keys(turn, _TURN_KEYS, "of a turn ")
    return Conversation(tuple(messages), read_tools(row.get("tools"), "tools"), tuple(dict.fromkeys(notes)))


def _read_turn(turn: Any, place: str, earlier: list[Message]) -> Message:
    if not isinstance(turn, dict):
        raise RowRefused(
            f"{place} is no object", expected='{"from": "human", "value": "..."}', fix="write each turn as an object"
        )
    weight = turn.get("weight")
    if weight is not None and (isinstance(weight, bool) or weight not in (0, 1)):
        raise RowRefused(f"{place}: weight is {weight!r}", expected="0 or 1", fix="write 0 or 1, or leave it out")
    trained = 1.0 if weight is None else float(weight)
    speaker = turn.get("from")
    value = read_content(turn.get("value"), place)
    if speaker == "function_call":
        return Message("assistant", "", trained, tool_calls=_read_calls(value, place, len(earlier)))
    role = _SPEAKERS.get(speaker) if isinstance(speaker, str) else None
    if role is None:
        known = [*_SPEAKERS, "function_call"]
        near = difflib.get_close_matches(str(speaker).lower(), known, n=1)
        raise RowRefused(
            f"{place}: unknown speaker {speaker!r} in 'from'",
            expected=", ".join(known),
            fix=f"did you mean {near[0]!r}?" if near else "rename the speaker",
        )
    return Message(
        role,
        value,
        trained if role == "assistant" else 1.0,
        tool_call_id=_single_call_id(earlier) if role == "tool" else None,
    )


def _read_calls(value: str, place: str, index: int) -> tuple[dict[str, Any], ...]:
    decoded = decode_json_field(value, place)
    calls = decoded if isinstance(decoded, list) else [decoded]
    if not calls:
        raise RowRefused(
            f"{place}: a function_call without a call",
            expected='{"name": ..., "arguments": {...}}',
            fix="add the call or take the turn out",
        )
    return tuple(read_function_call(call, f"call_{index}_{number}", place) for number, call in enumerate(calls))


def _single_call_id(earlier: list[Message]) -> str | None:
    """The call that an observation answers, when only one was made; the layout itself carries no ids."""
    if earlier and len(earlier[-1].tool_calls) == 1:
        return earlier[-1].tool_calls[0]["id"]
    return None
