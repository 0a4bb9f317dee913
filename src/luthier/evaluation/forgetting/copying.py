"""Copying, picking and ordering what stands in the question: abilities that need no knowledge, only attention."""

from __future__ import annotations

import random

from luthier.evaluation.forgetting.checks import Check, Equals, Verbatim
from luthier.evaluation.forgetting.items import Item, numbered

_THINGS = (
    "lamp river stone window carpet ladder bottle garden pencil mirror basket candle feather hammer island jacket "
    "kettle lemon magnet needle orange pillow rabbit saddle ticket violin walnut yellow zebra button"
)
WORDS = tuple(_THINGS.split())
ORDINALS = ("first", "second", "third", "fourth", "fifth")
Written = tuple[str, Check, str]


def copying() -> tuple[Item, ...]:
    """60 items."""
    draw = random.Random("copying")
    return numbered("copying", [*_repeats(draw), *_picks(draw), *_orders(draw), *_codes(draw)])


def _word(question: str, right: str) -> Written:
    return question, Equals((right,), ignores_case=True), right


def _repeats(draw: random.Random) -> list[Written]:
    written: list[Written] = []
    for count in (1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8):
        text = " ".join(draw.sample(WORDS, count))
        written.append((f"Repeat exactly what stands between the brackets: [{text}]", Equals((text,)), text))
    for name in ("Mr. O'Neill-Smith", "Zürich, 8001", "x_17 := {a; b}", "50 % of €3.20", "¿Qué? ¡Sí!", "<b>bold</b>"):
        written.append((f"Copy this text and write nothing else: {name}", Verbatim(name), name))
    return written


def _picks(draw: random.Random) -> list[Written]:
    written = []
    for place, ordinal in enumerate(ORDINALS):
        for _ in range(2):
            words = draw.sample(WORDS, 5)
            written.append(
                _word(
                    f"What is the {ordinal} word of this list: {', '.join(words)}? Answer with that word only.",
                    words[place],
                )
            )
    for _ in range(6):
        words = draw.sample(WORDS, 5)
        listed = ", ".join(words)
        written.append(_word(f"What is the last word of this list: {listed}? Answer with that word only.", words[-1]))
    return written


def _orders(draw: random.Random) -> list[Written]:
    written = []
    for count in (2, 2, 3, 3, 4, 4):
        words = draw.sample(WORDS, count)
        listed = ", ".join(words)
        written.append(_word(f"Sort these words by the alphabet, parted by commas: {listed}", ", ".join(sorted(words))))
        written.append(_word(f"Write these words in reverse order, parted by commas: {listed}", ", ".join(words[::-1])))
    return written


def _codes(draw: random.Random) -> list[Written]:
    written = []
    names = ("Nadia", "Otto", "Priya", "Quentin", "Rosa", "Sven", "Tomoko")
    for name in names:
        code = f"{draw.choice('ABCDEFGHJK')}{draw.randint(100, 999)}-{draw.randint(10, 99)}"
        note = f"{name} called at {draw.randint(8, 18)}:{draw.randint(10, 59)} about order {code}, which has not come."
        written.append(_word(f"{note}\nWhat is the number of the order? Answer with it only.", code))
        written.append(_word(f"{note}\nWho called? Answer with the name only.", name))
    return written
