"""Sums, differences, products and small problems in words. Drawn once, from a seed that never changes."""

from __future__ import annotations

import random

from luthier.evaluation.forgetting.checks import Check, Equals, Number
from luthier.evaluation.forgetting.items import Item, numbered

Written = tuple[str, Check, str]


def arithmetic() -> tuple[Item, ...]:
    """60 items."""
    draw = random.Random("arithmetic")
    written = [*_sums(draw), *_stories(draw), *_comparisons(draw), *_sequences(draw)]
    return numbered("arithmetic", written)


def _number(question: str, value: int) -> Written:
    return question, Number(value), str(value)


def _sums(draw: random.Random) -> list[Written]:
    written = []
    for digits in (1, 1, 2, 2, 2, 3, 3, 3):
        a, b = (draw.randrange(10 ** (digits - 1), 10**digits) for _ in range(2))
        written.append(_number(f"What is {a} + {b}? Answer with the number only.", a + b))
        c, d = sorted((draw.randrange(10 ** (digits - 1), 10**digits) for _ in range(2)), reverse=True)
        written.append(_number(f"What is {c} - {d}? Answer with the number only.", c - d))
    for most in (9, 9, 9, 12, 12, 25, 25):
        a, b = draw.randint(2, most), draw.randint(2, most)
        written.append(_number(f"What is {a} times {b}? Answer with the number only.", a * b))
        written.append(_number(f"What is {a * b} divided by {b}? Answer with the number only.", a))
    return written


def _stories(draw: random.Random) -> list[Written]:
    written = []
    for name, thing in (("Ada", "apples"), ("Ben", "stamps"), ("Chloe", "marbles"), ("Dev", "books"), ("Eli", "coins")):
        have, get, lose = draw.randint(10, 40), draw.randint(2, 20), draw.randint(1, 9)
        story = f"{name} has {have} {thing}, is given {get} more and then loses {lose}."
        written.append(
            _number(f"{story} How many {thing} does {name} have now? Answer with the number only.", have + get - lose)
        )
        boxes, each = draw.randint(3, 9), draw.randint(3, 12)
        story = f"{name} packs {boxes} boxes with {each} {thing} in each."
        written.append(_number(f"{story} How many {thing} are that? Answer with the number only.", boxes * each))
    return written


def _comparisons(draw: random.Random) -> list[Written]:
    written: list[Written] = []
    for _ in range(6):
        numbers = draw.sample(range(10, 1000), 4)
        listed = ", ".join(map(str, numbers))
        written.append(
            _number(f"Which of these numbers is the largest: {listed}? Answer with the number only.", max(numbers))
        )
        a = draw.randint(10, 99)
        right = "even" if a % 2 == 0 else "odd"
        written.append((f"Is {a} even or odd? Answer with one word.", Equals((right,), ignores_case=True), right))
    return written


def _sequences(draw: random.Random) -> list[Written]:
    written = []
    for _ in range(8):
        first, step = draw.randint(1, 30), draw.randint(2, 9)
        shown = ", ".join(str(first + step * i) for i in range(4))
        question = f"Which number comes next: {shown}? Answer with the number only."
        written.append(_number(question, first + step * 4))
    return written
