"""Find out which layout a file has from its first rows, or say which setting would tell."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from luthier.data.chat_layout import parse_chat
from luthier.data.column_layouts import parse_alpaca, parse_columns, parse_prompt_completion
from luthier.data.rows import Conversation
from luthier.data.sharegpt_layout import parse_sharegpt
from luthier.errors import DataError

if TYPE_CHECKING:
    from luthier.recipe import Columns, DataSettings

DETECTION_ROWS = 20

Parse = Callable[[dict[str, Any]], Conversation]

_PARSERS: dict[str, Parse] = {
    "chat": parse_chat,
    "sharegpt": parse_sharegpt,
    "prompt-completion": parse_prompt_completion,
    "alpaca": parse_alpaca,
}
_PROMPT_NAMES = (
    "prompt",
    "question",
    "input",
    "text",
    "query",
    "instruction",
    "utterance",
    "sentence",
    "message",
    "request",
    "content",
    "document",
    "source",
    "body",
    "email",
)
_COMPLETION_NAMES = (
    "completion",
    "answer",
    "output",
    "label",
    "response",
    "target",
    "intent",
    "category",
    "class",
    "reply",
    "summary",
    "sql",
    "sentiment",
    "fields",
    "translation",
)


def choose_layout(first_rows: Sequence[dict[str, Any]], settings: DataSettings, file: str) -> tuple[str, Parse]:
    """The layout's name and its parser: what the recipe says, else what most of the first rows look like."""
    columns = settings.columns
    mapped = [name for name in (columns.prompt, columns.completion, columns.system, columns.messages) if name]
    if settings.format == "table" or (settings.format == "auto" and mapped):
        _check_mapping(first_rows, columns, mapped, file)
        return "table", partial(parse_columns, columns=columns)
    if settings.format != "auto":
        if mapped:
            raise DataError(
                f"{file}: data.columns is set together with data.format: {settings.format}",
                expected="columns only for tables",
                fix="--set data.format=table, or take the columns out",
            )
        return settings.format, _PARSERS[settings.format]
    votes = [layout for layout in (_recognise(row) for row in first_rows) if layout]
    if not votes:
        raise _unknown_layout(first_rows, file)
    name = max(_PARSERS, key=votes.count)
    return name, _PARSERS[name]


def suggest_columns(names: Sequence[str]) -> tuple[str, str] | None:
    """A guess at the prompt and completion columns by their names, for advice; never used unasked."""
    lowered = {name.lower(): name for name in names}
    completion = next((lowered[name] for name in _COMPLETION_NAMES if name in lowered), None)
    prompt = next((lowered[name] for name in _PROMPT_NAMES if name in lowered and lowered[name] != completion), None)
    return (prompt, completion) if prompt and completion else None


def _recognise(row: dict[str, Any]) -> str | None:
    if "messages" in row:
        return "chat"
    if "conversations" in row:
        return "sharegpt"
    if "prompt" in row and "completion" in row:
        return "prompt-completion"
    if "instruction" in row and ("output" in row or "response" in row):
        return "alpaca"
    return None


def _check_mapping(rows: Sequence[dict[str, Any]], columns: Columns, mapped: Sequence[str], file: str) -> None:
    names = _column_names(rows)
    for name in mapped:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            raise DataError(
                f"{file}: no column {name!r}; found {_listed(names)}",
                expected="columns that the file has",
                fix=f"did you mean {near[0]!r}?" if near else "correct data.columns",
            )
    if columns.messages and (columns.prompt or columns.completion):
        raise DataError(
            "data.columns.messages is set together with prompt or completion",
            expected="either one column with the whole conversation, or prompt and completion",
            fix="take one of them out of data.columns",
        )
    for kind, name in (("prompt", columns.prompt), ("completion", columns.completion)):
        if not (columns.messages or name or kind in names):
            raise DataError(
                f"{file}: data.columns names no {kind}; found {_listed(names)}",
                expected="a prompt and a completion column",
                fix=f"--set data.columns.{kind}=NAME, with one of the names found",
            )


def _unknown_layout(rows: Sequence[dict[str, Any]], file: str) -> DataError:
    names = _column_names(rows)
    if {"chosen", "rejected"} <= set(names):
        asked = "prompt" if "prompt" in names else "NAME"
        return DataError(
            f"{file}: preference pairs (chosen and rejected), which cannot be trained on yet",
            expected="rows with one answer each",
            fix=f"to learn the chosen ones: --set data.columns.prompt={asked} --set data.columns.completion=chosen",
        )
    prompt, completion = suggest_columns(names) or ("NAME", "NAME")
    return DataError(
        f"{file}: no layout that we know; its columns are {_listed(names)}",
        expected="'messages' (chat), 'conversations' (ShareGPT), 'prompt' and 'completion', "
        "'instruction' and 'output' (Alpaca), or a column mapping",
        fix=f"--set data.columns.prompt={prompt} --set data.columns.completion={completion}",
    )


def _column_names(rows: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:12]) or "none"
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown
