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


def grouped(name: str, right: int) -> ArmResult:
    scores = (1.0,) * right + (0.0,) * (100 - right)
    groups = tuple(str(index // 20) for index in range(100))
    return ArmResult(name, tuple(Answer("") for _ in scores), {"exact_match": scores}, groups)


def test_items_of_few_documents_decide_less():
    assert compare_pair(TUNED, arm("prompt", [1.0] * 70 + [0.0] * 30), "exact_match").is_decided
    found = compare_pair(grouped("tuned", 90), grouped("prompt", 70), "exact_match")
    assert not found.is_decided and found.low < 0 and found.p > 0.05
    assert grouped("tuned", 90).interval("exact_match").low < TUNED.interval("exact_match").low


def test_holm_may_decide_where_the_joint_interval_touches_zero():
    weak = [arm(f"weak-{index}", [0.0] * 100) for index in range(5)]
    near = arm("near", [1.0] * 84 + [0.0] * 16)
    found = compare_with_tuned([*weak, near, TUNED], "exact_match")[-1]
    assert found.is_decided and found.adjusted_p == found.p <= 0.05
    assert found.low == 0 and found.more_items_needed is None


def test_metrics_are_judged_together():
    def both(name: str, right: int) -> ArmResult:
        scores = (1.0,) * right + (0.0,) * (100 - right)
        return ArmResult(name, TUNED.answers, {"exact_match": scores, "json_valid": scores})

    found = compare_with_tuned([both("tuned", 90), both("base", 70)], ["exact_match", "json_valid"])
    assert [row.metric for row in found] == ["exact_match", "json_valid"]
    assert found[0].adjusted_p == 2 * found[0].p


def test_groups_travel_with_the_scores():
    golden = [Example((Message("user", "q"), Message("assistant", label))) for label in ("yes", "no")]
    found = score_arm("tuned", [Answer("yes"), Answer("no")], golden, ["exact_match"], groups=("a", "a"))
    assert found.groups == ("a", "a")


def test_looking_after_every_item_costs_sharpness():
    found = compare_pair(TUNED, PROMPT, "exact_match", stopped_early=True)
    fixed = compare_pair(TUNED, PROMPT, "exact_match")
    assert found.is_decided and fixed.p < found.p <= 0.05 and found.high - found.low > fixed.high - fixed.low
