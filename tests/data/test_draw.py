"""Draws are seeded, stable and fair to each answer."""

from __future__ import annotations

import random
from collections import Counter

from luthier.data.draw import draw_examples, draw_groups


def test_a_draw_does_not_depend_on_the_order_of_rows(ask):
    rows = [ask(f"question {number}") for number in range(50)]
    turned = rows[::-1]

    one = {rows[index] for index in draw_examples(range(50), rows, 10, seed=1)}
    other = {turned[index] for index in draw_examples(range(50), turned, 10, seed=1)}

    assert one == other
    assert one != {rows[index] for index in draw_examples(range(50), rows, 10, seed=2)}


def test_a_small_draw_is_part_of_a_larger_one(ask):
    rows = [ask(f"question {number % 30}") for number in range(50)]

    assert set(draw_examples(range(50), rows, 10, 0)) < set(draw_examples(range(50), rows, 20, 0))


def test_each_answer_gives_its_share(ask):
    answers = ["a"] * 60 + ["b"] * 30 + ["c"] * 10
    rows = [ask(f"question {number}", answer) for number, answer in enumerate(answers)]

    drawn, left = draw_groups([[index] for index in range(100)], rows, 20, 0, "golden")

    assert Counter(rows[index].answer.content for index in drawn) == {"a": 12, "b": 6, "c": 2}
    assert len(left) == 80


def test_the_only_group_of_an_answer_stays(ask):
    rows = [ask(f"question {number}", "a" if number else "rare") for number in range(20)]

    drawn, _ = draw_groups([[index] for index in range(20)], rows, 19, 0, "golden")

    assert 0 not in drawn


def test_large_groups_are_never_drawn(ask):
    rows = [ask(f"question {number}", f"answer {number}") for number in range(100)]
    groups = [list(range(40)), *([index] for index in range(40, 100))]

    drawn, left = draw_groups(groups, rows, 20, 0, "golden")

    assert len(drawn) == 20
    assert list(range(40)) in left


def test_groups_are_drawn_alike_in_any_order(ask):
    rows = [ask(f"question {number}", f"answer {number}") for number in range(60)]
    groups = [[index, index + 1] for index in range(0, 60, 2)]
    shuffled = random.Random(0).sample(groups, len(groups))

    assert draw_groups(groups, rows, 20, 0, "golden")[0] == draw_groups(shuffled, rows, 20, 0, "golden")[0]
