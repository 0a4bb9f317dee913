"""One question with an answer that can be checked exactly; the battery is made of them."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.evaluation.answers import Prompt
from luthier.evaluation.forgetting.checks import Check
from luthier.examples import Message


@dataclass(frozen=True)
class Item:
    """``group`` names the ability asked for; ``right_answer`` passes the check: proof that one can."""

    name: str
    group: str
    language: str
    question: str
    check: Check
    right_answer: str

    @property
    def prompt(self) -> Prompt:
        return Prompt((Message("user", self.question),))


def numbered(group: str, written: list[tuple[str, Check, str]], language: str = "en") -> tuple[Item, ...]:
    """Items of one group from (question, check, right answer)."""
    return tuple(Item(f"{group}-{i:02}", group, language, *parts) for i, parts in enumerate(written, start=1))
