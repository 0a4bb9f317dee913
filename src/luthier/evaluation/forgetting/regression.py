"""The user's own regression set: what must still work after tuning, checked exactly.

One JSON object per line: `{"input": "2 + 2?", "exact": "4"}`, with `messages` (OpenAI's layout) instead of `input`
where there are several turns, and with `contains` (all of a list) or `regex` instead of `exact` (any of a list).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import DataError
from luthier.evaluation.answers import Prompt
from luthier.evaluation.forgetting.checks import Check, Contains, Equals, Matches
from luthier.examples import Message

CHECKS = ("exact", "contains", "regex")
KEYS = (*CHECKS, "input", "messages", "ignore_case", "name")


@dataclass(frozen=True)
class RegressionItem:
    name: str
    prompt: Prompt
    check: Check


def read_regression_set(file: Path) -> tuple[RegressionItem, ...]:
    """All items of a JSON Lines file; raises DataError, naming the line, for one that is not as above."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{file} cannot be read: {error}",
            expected="a JSON Lines file in UTF-8",
            fix="correct evaluation.forgetting.regression_file, or leave it out",
        ) from None
    items = tuple(_item(line, f"{file}, line {n}") for n, line in enumerate(lines, start=1) if line.strip())
    if not items:
        raise _wrong(str(file), "has no items")
    return items


def _item(line: str, where: str) -> RegressionItem:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise _wrong(where, f"is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise _wrong(where, "is not a JSON object")
    if unknown := sorted(set(row) - set(KEYS)):
        raise _wrong(where, f"has the unknown key {unknown[0]!r}")
    if sum(key in row for key in ("input", "messages")) != 1 or sum(key in row for key in CHECKS) != 1:
        raise _wrong(where, "has not exactly one question and one check")
    return RegressionItem(str(row.get("name", where)), Prompt(_turns(row, where)), _check(row, where))


def _turns(row: dict[str, Any], where: str) -> tuple[Message, ...]:
    turns = [{"role": "user", "content": row["input"]}] if "input" in row else row["messages"]
    roles = ("system", "developer", "user", "assistant")
    is_chat = isinstance(turns, list) and all(
        isinstance(turn, dict) and turn.get("role") in roles and isinstance(turn.get("content"), str) for turn in turns
    )
    if not is_chat or not turns:
        raise _wrong(where, "has turns without a role and a text")
    return tuple(Message(turn["role"], turn["content"]) for turn in turns)


def _check(row: dict[str, Any], where: str) -> Check:
    ignores_case = row.get("ignore_case", False)
    if not isinstance(ignores_case, bool):
        raise _wrong(where, "has an ignore_case that is neither true nor false")
    if "regex" in row:
        try:
            re.compile(row["regex"])
        except (re.error, TypeError) as error:
            raise _wrong(where, f"has a regex that cannot be read: {error}") from None
        return Matches(f"(?i:{row['regex']})" if ignores_case else row["regex"])
    key = "exact" if "exact" in row else "contains"
    texts = _texts(row[key], where, key)
    return Equals(texts, ignores_case) if key == "exact" else Contains(texts, ignores_case)


def _texts(value: Any, where: str, key: str) -> tuple[str, ...]:
    texts: Sequence[Any] = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise _wrong(where, f"has {key!r} without a text")
    return tuple(texts)


def _wrong(where: str, found: str) -> DataError:
    return DataError(
        f"{where} {found}",
        expected='a line such as {"input": "What is 2 + 2?", "exact": "4"}, or with "contains" or "regex"',
        fix="correct the line; docs/forgetting.md shows every form",
    )
