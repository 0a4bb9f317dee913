"""Arms are compared item by item, and the comparisons of one verdict are judged together."""

import pytest

from luthier.evaluation import Answer, ArmResult, compare_pair, compare_with_tuned, score_arm
from luthier.examples import Example, Message


def arm(name: str, scores: list[float]) -> ArmResult:
    return ArmResult(name, tuple(Answer("") for _ in scores), {"exact_match": tuple(scores)})


TUNED = arm("tuned", [1.0] * 90 + [0.0] * 10)
PROMPT = arm("prompt", [1.0] * 70 + [0.0] * 30)
BASE = arm("base", [0.0] * 100)


def test_every_item_is_scored_on_every_metric():
    golden = [Example((Message("user", "q"), Message("assistant", label))) for label in ("yes", "no")]
    found = score_arm("tuned", [Answer("Yes"), Answer("no")], golden, ["choice_accuracy", "exact_match"], ("yes", "no"))
    assert found.scores == {"choice_accuracy": (1.0, 1.0), "exact_match": (0.0, 1.0)}
    assert found.interval("exact_match").mean == 0.5


def test_the_arm_with_the_higher_mean_is_the_better_one():
    forth, back = compare_pair(TUNED, PROMPT, "exact_match"), compare_pair(PROMPT, TUNED, "exact_match")
    assert forth == back
    assert (forth.better, forth.worse, forth.difference) == ("tuned", "prompt", pytest.approx(0.2))
    assert (forth.better_wins, forth.worse_wins) == (20, 0)


def test_intervals_of_several_comparisons_are_wider_than_one_alone():
    alone = compare_pair(TUNED, PROMPT, "exact_match")
    together = compare_with_tuned([BASE, PROMPT, TUNED], "exact_match")[1]
    assert together.low < alone.low and together.high > alone.high
    assert together.adjusted_p >= together.p == alone.p


def test_every_other_arm_meets_tuned_once():
    found = compare_with_tuned([BASE, TUNED, PROMPT], "exact_match")
    assert [(row.better, row.worse) for row in found] == [("tuned", "base"), ("tuned", "prompt")]
    assert compare_with_tuned([BASE, PROMPT], "exact_match") == ()
    assert compare_with_tuned([TUNED], "exact_match") == ()


def test_more_items_are_asked_for_only_while_it_is_undecided():
    close = arm("prompt", [1.0] * 87 + [0.0] * 13)
    assert compare_pair(TUNED, PROMPT, "exact_match").more_items_needed is None
    assert compare_pair(TUNED, TUNED, "exact_match").more_items_needed is None
    undecided = compare_pair(TUNED, close, "exact_match")
    assert not undecided.is_decided and undecided.more_items_needed and undecided.more_items_needed > 50
