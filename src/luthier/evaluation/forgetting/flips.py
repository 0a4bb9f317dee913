"""Items that tuning lost or won: the ones to read, because a mean hides which ability went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from luthier.evaluation.forgetting.checks import passes
from luthier.evaluation.forgetting.evidence import AnsweredTwice
from luthier.evaluation.forgetting.items import Item

SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class Flip:
    """An item that one of the two models got right."""

    name: str
    group: str
    language: str
    question: str
    right_answer: str
    base: str
    tuned: str
    is_won: bool


@dataclass(frozen=True)
class Flips:
    """``groups`` counts, for each ability: items, right before, right after, won and lost."""

    won: int
    lost: int
    groups: dict[str, dict[str, int]]
    items: tuple[Flip, ...]

    def as_json(self) -> dict[str, Any]:
        return {"won": self.won, "lost": self.lost, "groups": self.groups, "items": [asdict(i) for i in self.items]}


def right_or_wrong(items: Sequence[Item], answers: AnsweredTwice) -> tuple[list[bool], list[bool]]:
    """For each item, whether the base and whether the tuned model passed its check."""
    base = [passes(item.check, answer.text) for item, answer in zip(items, answers.base, strict=True)]
    tuned = [passes(item.check, answer.text) for item, answer in zip(items, answers.tuned, strict=True)]
    return base, tuned


def count_flips(items: Sequence[Item], answers: AnsweredTwice) -> Flips:
    base, tuned = right_or_wrong(items, answers)
    groups: dict[str, dict[str, int]] = {}
    flips = []
    for place, item in enumerate(items):
        before, after = base[place], tuned[place]
        counts = groups.setdefault(item.group, dict.fromkeys(("items", "base_right", "tuned_right", "won", "lost"), 0))
        counts["items"] += 1
        counts["base_right"] += before
        counts["tuned_right"] += after
        counts["won"] += after and not before
        counts["lost"] += before and not after
        if before != after:
            texts = answers.base[place].text[:SHOWN_CHARACTERS], answers.tuned[place].text[:SHOWN_CHARACTERS]
            flips.append(
                Flip(item.name, item.group, item.language, item.question, item.right_answer, *texts, is_won=after)
            )
    won = sum(flip.is_won for flip in flips)
    return Flips(won, len(flips) - won, groups, tuple(sorted(flips, key=lambda flip: flip.is_won)))
