"""Rows of four layouts as items: chat rows, OpenAI Evals, inspect's datasets, and plain rows for a task's templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never, get_args

from luthier.errors import DataError
from luthier.evaluation.tasks.canonical import canonical_json
from luthier.evaluation.tasks.items import TaskItem
from luthier.examples import Message, Role
from luthier.recipe import ItemsFormat

Row = Mapping[str, Any]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def as_items(rows: Sequence[Row], layout: ItemsFormat, file: str) -> tuple[TaskItem, ...]:
    """Every row as an item; ids are the rows' own where they differ, else their numbers from 1.

    Raises DataError with file and row where a row does not fit the layout.
    """
    chosen = layout_of(rows[0]) if layout == "auto" else layout
    items = []
    for number, row in enumerate(rows, start=1):
        place = f"{file}, item {number}"
        match chosen:
            case "rows":
                items.append(TaskItem(_id(row, number), row, targets=texts(row.get("target"), place)))
            case "chat":
                items.append(_chat(row, number, place))
            case "openai-evals":
                items.append(_openai_evals(row, number, place))
            case "inspect":
                items.append(_inspect(row, number, place))
            case "auto":
                raise AssertionError("a layout was chosen above")
            case _:
                assert_never(chosen)
    _refuse_repeated_ids(items, file)
    return tuple(items)


def layout_of(row: Row) -> ItemsFormat:
    """By the keys of one row."""
    if isinstance(row.get("item"), dict) or ("input" in row and "ideal" in row):
        return "openai-evals"
    if isinstance(row.get("messages"), list):
        return "chat"
    is_inspect = "input" in row and ("target" in row or "choices" in row) and isinstance(row["input"], str | list)
    return "inspect" if is_inspect else "rows"


def texts(value: Any, place: str) -> tuple[str, ...]:
    """Right answers as they are written: none, one, or a list of which any is right."""
    if value is None:
        return ()
    listed = value if isinstance(value, list) else [value]
    if any(isinstance(text, dict | list) for text in listed):
        raise DataError(f"{place}: a right answer is no text", expected="a text or a list of texts", fix="write it out")
    return tuple(text if isinstance(text, str) else canonical_json(text) for text in listed)


def turns(value: Any, place: str) -> tuple[Message, ...]:
    """A text is one user turn; a list is a conversation in OpenAI's layout, of texts."""
    if isinstance(value, str):
        return (Message("user", value),)
    if not isinstance(value, list) or not value:
        raise DataError(f"{place}: no text and no list of turns", expected="the question", fix="mend the item")
    found = []
    for turn in value:
        known = turn if isinstance(turn, dict) else {}
        role = next((role for role in get_args(Role) if role == known.get("role")), None)
        content, calls = _content(known.get("content")), tuple(known.get("tool_calls") or ())
        if role is None or (content is None and not calls):
            raise DataError(
                f"{place}: a turn that cannot be asked ({str(turn)[:80]})",
                expected=f"a role of {', '.join(get_args(Role))} and a text; no images or sound",
                fix="write the turn as text, or take the item out",
            )
        call_id, name = known.get("tool_call_id"), known.get("name")
        found.append(Message(role, content or "", tool_calls=calls, tool_call_id=call_id, name=name))
    return tuple(found)


def _chat(row: Row, number: int, place: str) -> TaskItem:
    """The last turn is the right answer where the assistant says it."""
    messages = turns(row.get("messages"), place)
    tools = tuple(row.get("tools") or ())
    if messages[-1].role != "assistant":
        return TaskItem(_id(row, number), row, messages, texts(row.get("target"), place), tools=tools)
    return TaskItem(_id(row, number), row, messages[:-1], (messages[-1].content,), tools=tools)


def _openai_evals(row: Row, number: int, place: str) -> TaskItem:
    """`{"item": {...}}` as the platform's evals take it, or `{"input", "ideal"}` as the older repository does."""
    item = row.get("item")
    if isinstance(item, dict):
        messages = turns(item["messages"], place) if isinstance(item.get("messages"), list) else ()
        return TaskItem(_id(item, number), item, messages)
    if "input" not in row or "ideal" not in row:
        raise DataError(
            f"{place}: neither `item` nor `input` and `ideal`",
            expected='OpenAI Evals: {"item": {...}}, or {"input": ..., "ideal": ...}',
            fix="mend the row, or set another format",
        )
    return TaskItem(_id(row, number), row, turns(row["input"], place), texts(row["ideal"], place))


def _inspect(row: Row, number: int, place: str) -> TaskItem:
    if "input" not in row:
        raise DataError(f"{place}: no `input`", expected="inspect's fields: input, target", fix="mend the row")
    choices = texts(row.get("choices"), place)
    metadata = row.get("metadata")
    return TaskItem(
        _id(row, number),
        row,
        turns(row["input"], place),
        texts(row.get("target"), place),
        choices,
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def _content(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in value):
        return "".join(part["text"] for part in value)
    return None


def _id(row: Row, number: int) -> str:
    own = row.get("id")
    return str(own) if isinstance(own, str | int) and not isinstance(own, bool) and own != "" else str(number)


def _refuse_repeated_ids(items: Sequence[TaskItem], file: str) -> None:
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise DataError(
                f"{file}: two items have the id {item.id!r}",
                expected="an id each: results are paired by it",
                fix="number the items anew, or leave `id` out of all of them",
            )
        seen.add(item.id)
