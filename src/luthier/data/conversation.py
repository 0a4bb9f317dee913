"""The few rules that a conversation must keep, whatever layout it came in."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.data.rows import RowRefused
from luthier.examples import Message


def check_conversation(messages: Sequence[Message]) -> None:
    """Raise when the turns cannot be learnt from; what chat templates may still dislike is theirs to say."""
    if messages[0].role == "assistant":
        raise RowRefused(
            "the conversation begins with the assistant",
            expected="a user (or system) turn before the first assistant turn",
            fix="put the turn it answers before it, or take it out",
        )
    call_ids: set[str] = set()
    is_answering_calls = False
    is_trained = False
    for index, message in enumerate(messages):
        match message.role:
            case "assistant":
                is_answering_calls = bool(message.tool_calls)
                call_ids.update(call["id"] for call in message.tool_calls if "id" in call)
                is_trained = is_trained or message.weight > 0
                if not message.tool_calls:
                    _refuse_empty(message, index)
            case "tool":
                _refuse_stray_tool_turn(message, index, is_answering_calls, call_ids)
            case "user":
                is_answering_calls = False
                _refuse_empty(message, index)
            case "system" | "developer":
                is_answering_calls = False
    if not is_trained:
        has_assistant = any(message.role == "assistant" for message in messages)
        raise RowRefused(
            "nothing to train: every assistant turn has weight 0"
            if has_assistant
            else "nothing to train: no assistant turn",
            expected="at least one assistant turn to learn from",
            fix="set a weight to 1 or leave it out" if has_assistant else "add the answer as an assistant turn",
        )


def _refuse_empty(message: Message, index: int) -> None:
    if not message.content or message.content.isspace():
        raise RowRefused(
            f"turn {index + 1} ({message.role}) is empty",
            expected="content with text in it",
            fix="fill the turn in or take the row out",
        )


def _refuse_stray_tool_turn(message: Message, index: int, is_answering_calls: bool, call_ids: set[str]) -> None:
    if not is_answering_calls:
        raise RowRefused(
            f"turn {index + 1} (tool) answers no tool call",
            expected="a tool turn right after the assistant turn that called the tool",
            fix="add the assistant turn with its tool_calls, or take the tool turn out",
        )
    if message.tool_call_id is not None and call_ids and message.tool_call_id not in call_ids:
        raise RowRefused(
            f"turn {index + 1} (tool) answers the call {message.tool_call_id!r}, which nobody made",
            expected=f"one of the calls made: {', '.join(sorted(call_ids)[:5])}",
            fix="correct the tool_call_id",
        )
