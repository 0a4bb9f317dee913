"""Rows with the prompt and the answer in columns: prompt/completion, Alpaca, or a mapping the user gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luthier.data.chat_layout import parse_chat, unused_keys
from luthier.data.json_text import as_text
from luthier.data.rows import Conversation, RowRefused
from luthier.data.sharegpt_layout import parse_sharegpt
from luthier.data.tool_calls import decode_json_field, read_tools
from luthier.examples import Message

if TYPE_CHECKING:
    from luthier.recipe import Columns


def parse_prompt_completion(row: dict[str, Any]) -> Conversation:
    messages = _system_turn(row, "system")
    messages += (Message("user", _cell(row, "prompt")), Message("assistant", _cell(row, "completion")))
    tools = read_tools(row.get("tools"), "tools")
    return Conversation(messages, tools, unused_keys(row, ("prompt", "completion", "system", "tools"), ""))


def parse_alpaca(row: dict[str, Any]) -> Conversation:
    """The prompt is the instruction, then an empty line and the input where there is one."""
    instruction = _cell(row, "instruction")
    extra = row.get("input")
    prompt = f"{instruction}\n\n{as_text(extra)}" if extra not in (None, "") else instruction
    answer = _cell(row, "output" if "output" in row else "response")
    messages = (*_system_turn(row, "system"), Message("user", prompt), Message("assistant", answer))
    used = ("instruction", "input", "output" if "output" in row else "response", "system")
    return Conversation(messages, (), unused_keys(row, used, ""))


def parse_columns(row: dict[str, Any], columns: Columns) -> Conversation:
    """The columns that the recipe names; other columns are left alone, since the user chose."""
    if columns.messages is not None:
        return _parse_conversation_column(row, columns.messages)
    prompt = _cell(row, columns.prompt or "prompt")
    completion = _cell(row, columns.completion or "completion")
    system = _system_turn(row, columns.system) if columns.system else ()
    return Conversation((*system, Message("user", prompt), Message("assistant", completion)))


def _parse_conversation_column(row: dict[str, Any], column: str) -> Conversation:
    turns = row.get(column)
    if isinstance(turns, str):
        turns = decode_json_field(turns, column)
    beside = {key: row[key] for key in ("tools", "functions", "system") if key in row and key != column}
    if isinstance(turns, list) and turns and isinstance(turns[0], dict) and "from" in turns[0]:
        return parse_sharegpt({column: turns, **beside}, column)
    return parse_chat({column: turns, **beside}, column)


def _system_turn(row: dict[str, Any], column: str) -> tuple[Message, ...]:
    value = row.get(column)
    return (Message("system", as_text(value)),) if value not in (None, "") else ()


def _cell(row: dict[str, Any], column: str) -> str:
    if column not in row:
        raise RowRefused(
            f"no {column!r}; the row has {', '.join(map(repr, row)) or 'nothing'}",
            expected=f"a value for {column!r} in every row",
            fix=f"add {column!r} or take the row out",
        )
    value = row[column]
    text = "" if value is None else as_text(value)
    if not text or text.isspace():
        raise RowRefused(
            f"{column!r} is empty", expected=f"a value for {column!r}", fix="fill it in or take the row out"
        )
    if column == "prompt" and isinstance(value, list) and any(isinstance(part, dict) for part in value):
        raise RowRefused(
            "'prompt' is a list of turns",
            expected="a prompt as text",
            fix='write the row in the chat layout: {"messages": [prompt turns, then the answer]}',
        )
    return text
