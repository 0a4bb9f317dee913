"""What kind of answers a data set has: a small closed set, JSON objects, or free text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from luthier.examples import Example

MAX_CHOICES = 200
MAX_CHOICE_CHARACTERS = 60
MAX_DISTINCT_FRACTION = 0.2
MIN_JSON_FRACTION = 0.95
MIN_KEY_FRACTION = 0.5


@dataclass(frozen=True)
class AnswerKind:
    """``choices`` are sorted; ``keys`` are those that at least half of the JSON answers have, commonest first."""

    kind: Literal["choices", "json", "text"]
    choices: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def answer_kind(examples: Sequence[Example]) -> AnswerKind:
    """JSON is looked for first: a few distinct objects are better judged by their fields than as a whole."""
    answers = [example.answer.content.strip() for example in examples]
    if not answers or not all(answers):
        return AnswerKind("text")
    objects = [value for value in map(_decode_object, answers) if value is not None]
    if len(objects) >= MIN_JSON_FRACTION * len(answers):
        counts = Counter(key for value in objects for key in value)
        return AnswerKind(
            "json", keys=tuple(key for key, count in counts.most_common() if count >= MIN_KEY_FRACTION * len(objects))
        )
    distinct = set(answers)
    is_small = len(distinct) <= min(MAX_CHOICES, MAX_DISTINCT_FRACTION * len(answers))
    if is_small and max(map(len, distinct)) <= MAX_CHOICE_CHARACTERS:
        return AnswerKind("choices", choices=tuple(sorted(distinct)))
    return AnswerKind("text")


def _decode_object(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return value if isinstance(value, dict) else None
