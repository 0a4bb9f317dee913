"""What every model is asked before and after tuning: items with exact checks, open questions, and passages to read.

All of it was written for luthier, none of it is from a public benchmark, so no model has learnt its answers.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from luthier.evaluation.answers import Prompt
from luthier.evaluation.forgetting.arithmetic import arithmetic
from luthier.evaluation.forgetting.checks import Equals
from luthier.evaluation.forgetting.constraints import constraints
from luthier.evaluation.forgetting.copying import copying
from luthier.evaluation.forgetting.formats import formats
from luthier.evaluation.forgetting.items import Item
from luthier.examples import Message

HERE = Path(__file__).parent
SMALL_SHARE = 5


@dataclass(frozen=True)
class Passage:
    """A text to read; ``register`` is its kind: story, news, law, code, ..."""

    language: str
    register: str
    text: str


@dataclass(frozen=True)
class Question:
    """An open question. Nothing is right or wrong about its answer; length, repetition and language are compared."""

    language: str
    text: str

    @property
    def prompt(self) -> Prompt:
        return Prompt((Message("user", self.text),))


@dataclass(frozen=True)
class Battery:
    items: tuple[Item, ...]
    questions: tuple[Question, ...]
    passages: tuple[Passage, ...]


def battery(size: Literal["full", "small"] = "full") -> Battery:
    """``small`` takes a fifth of the items and questions, of each group alike, and a third of the passages."""
    items = (*arithmetic(), *copying(), *formats(), *constraints(), *facts())
    questions = tuple(Question(**row) for row in _rows("questions.jsonl"))
    passages = tuple(Passage(**row) for row in _rows("passages.jsonl"))
    if size == "full":
        return Battery(items, questions, passages)
    return Battery(_thinned(items), questions[::SMALL_SHARE], passages[::3])


def facts() -> tuple[Item, ...]:
    """Common facts in English, and small questions of all kinds in twelve more languages."""
    items = []
    for number, (language, question, right) in enumerate(_rows("facts.jsonl"), start=1):
        group = "facts" if language == "en" else "languages"
        items.append(Item(f"{group}-{number:02}", group, language, question, Equals(tuple(right), True), right[0]))
    return tuple(items)


def _rows(name: str) -> list:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def _thinned(items: Sequence[Item]) -> tuple[Item, ...]:
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[item.group].append(item)
    return tuple(item for members in groups.values() for item in members[::SMALL_SHARE])
