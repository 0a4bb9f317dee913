"""One row seen through lm-eval's `doc_to_text`, `doc_to_target` and `doc_to_choice`: its rules, without its code.

The rules are those of `ConfigurableTask` (lm_eval/api/task.py, 0.4.13): a value that is a field's name stands for the
field; other text is Jinja; digits mean a choice where there are choices; a list written as text is that list.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from luthier.errors import DataError
from luthier.evaluation.tasks.templates import render

Row = Mapping[str, Any]
LONGEST_LITERAL_CHARACTERS = 100_000


def text_of(config: Mapping[str, Any], row: Row, place: str) -> Any:
    """The context; a number where the text says which of several contexts is right."""
    asked = config.get("doc_to_text")
    if not isinstance(asked, str):
        raise _wrong(place, "doc_to_text", asked)
    if asked in row:
        return row[asked]
    text = render(asked, row, f"doc_to_text, {place}")
    return int(text) if _is_number(text) and config.get("doc_to_choice") is not None else text


def target_of(config: Mapping[str, Any], row: Row, place: str) -> Any:
    """The right answer: a text, a number of a choice, or a list of either."""
    asked = config.get("doc_to_target")
    if isinstance(asked, int | list):
        return asked
    if not isinstance(asked, str):
        raise _wrong(place, "doc_to_target", asked)
    if asked in row:
        return row[asked]
    text = render(asked, row, f"doc_to_target, {place}")
    if _is_number(text) and config.get("doc_to_choice") is not None:
        return int(text)
    if len(text) >= 2 and text[0] == "[" and text[-1] == "]":
        try:
            return _literal(text)
        except ValueError:
            return text
    return text


def choices_of(config: Mapping[str, Any], row: Row, place: str) -> tuple[str, ...]:
    asked = config.get("doc_to_choice")
    found: Any = asked
    if isinstance(asked, str):
        try:
            found = row[asked] if asked in row else _literal(render(asked, row, f"doc_to_choice, {place}"))
        except ValueError:
            found = None
    elif isinstance(asked, Mapping):
        found = list(asked.values())
    if not isinstance(found, Sequence) or isinstance(found, str) or not found:
        raise _wrong(place, "doc_to_choice", asked)
    return tuple(str(choice) for choice in found)


def gold_choices(target: Any, choices: Sequence[str], place: str) -> tuple[int, ...]:
    """Numbers of the right choices. lm-eval counts a target outside them as always wrong; here it is refused."""
    listed = target if isinstance(target, list) else [target]
    found = []
    for one in listed:
        is_number = isinstance(one, int) and not isinstance(one, bool)
        number = one if is_number else choices.index(one) if one in choices else -1
        if not 0 <= number < len(choices):
            raise DataError(
                f"{place}: the right answer {one!r} is none of {len(choices)} choices",
                expected="the number of a choice (from 0), or its text",
                fix="mend the item or doc_to_target",
            )
        found.append(number)
    return tuple(found)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _literal(text: str) -> Any:
    """A Python literal: lists, texts and numbers; nothing is evaluated."""
    if len(text) > LONGEST_LITERAL_CHARACTERS:
        raise ValueError("too long to be a list of choices")
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(str(error)) from None


def _wrong(place: str, key: str, found: Any) -> DataError:
    return DataError(
        f"{place}: {key} is {str(found)[:80]!r}",
        expected="a field's name or a Jinja template; for doc_to_choice one that gives a list",
        fix=f"correct {key} in the task",
    )
