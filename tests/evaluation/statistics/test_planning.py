"""What people are told before a run and after it."""

import pytest

from luthier.evaluation.statistics import items_needed, plan_evaluation


def test_items_needed_would_have_settled_the_difference():
    better, worse = [1.0, 1.0, 1.0, 0.0] * 10, [1.0, 1.0, 0.0, 1.0] * 5 + [1.0, 1.0, 1.0, 0.0] * 5
    assert items_needed(better, worse) is None
    more = items_needed([1.0] * 3 + better, [0.0] * 3 + worse)
    assert more is not None and 50 < more < 1_000


def test_less_power_or_confidence_takes_fewer_items():
    better, worse = [1.0] * 12 + [0.0] * 8, [1.0] * 10 + [0.0] * 10
    usual = items_needed(better, worse)
    assert usual is not None
    assert (items_needed(better, worse, power=0.5) or 0) < usual < (items_needed(better, worse, 0.99) or 0)


def test_items_that_fail_together_need_more_of_them():
    better, worse = [1.0] * 60 + [0.0] * 40, [1.0] * 50 + [0.0] * 50
    alone, together = (
        items_needed(better, worse),
        items_needed(better, worse, groups=[str(i // 10) for i in range(100)]),
    )
    assert alone is not None and together is not None and together > 2 * alone


def test_a_plan_says_what_can_be_detected_before_the_run():
    plan = plan_evaluation(1_000, 0.8, comparisons=4)
    assert plan.detectable == pytest.approx(0.041, abs=0.001)
    assert plan.sentence == (
        "Before the run: 1,000 items can detect a difference of 4.1 points with 80 % power, "
        "if the untuned model gets 80 % right, among 4 comparisons."
    )


def test_too_few_items_are_said_to_detect_nothing():
    assert plan_evaluation(4).sentence == "Before the run: 4 items cannot detect any gain with 80 % power."


def test_grouped_items_detect_less():
    alone, grouped = plan_evaluation(400).detectable, plan_evaluation(400, design_effect=4).detectable
    assert alone is not None and grouped == plan_evaluation(100).detectable and grouped > 1.5 * alone
