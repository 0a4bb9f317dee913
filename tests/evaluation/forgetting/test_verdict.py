"""The verdict is the worst judged colour, and says on what it rests."""

import json
from dataclasses import replace

import numpy as np

from luthier.evaluation import Answer, Prompt
from luthier.evaluation.forgetting import (
    AnsweredTwice,
    Evidence,
    ForgettingReport,
    HowTuned,
    Reading,
    RegressionAnswers,
    RegressionItem,
    battery,
    judge_forgetting,
)
from luthier.evaluation.forgetting.checks import Equals
from luthier.examples import Message

BATTERY = battery()
RIGHT = tuple(Answer(item.right_answer, completion_tokens=5) for item in BATTERY.items)
WRONG = tuple(Answer("?", completion_tokens=5) for _ in BATTERY.items)
TALK = tuple(Answer(passage.text, completion_tokens=60) for passage in BATTERY.passages[: len(BATTERY.questions)])
HOW = HowTuned("lora", 16, 3, 1e-3, None, 100)


def reading(kl: float, more_nats: float) -> Reading:
    base = np.full(20, 1.0)
    agrees = np.full(20, 1.0 - min(1.0, kl))
    return Reading(np.full(20, kl), agrees, base, base + more_nats, agrees, agrees)


def judge(kl: float, more_nats: float, base=RIGHT, tuned=RIGHT, **changes) -> ForgettingReport:
    passages = tuple(reading(kl + 0.001 * i, more_nats) for i in range(len(BATTERY.passages)))
    answers = AnsweredTwice(base + TALK, tuned + TALK)
    evidence = replace(Evidence(BATTERY, passages, passages, passages, answers), **changes)
    return judge_forgetting(evidence, None, None, HOW)


def colours(report: ForgettingReport) -> dict[str, str]:
    return {measure.name: measure.colour for measure in report.measures}


def test_a_model_that_hardly_moved_is_green_and_needs_no_remedy():
    report = judge(0.05, 0.05)
    assert (report.verdict, report.remedies) == ("green", ())
    assert report.sentence.startswith("No sign of forgetting.")


def test_doubled_perplexity_is_red_with_remedies():
    report = judge(0.3, 0.8)
    assert report.verdict == "red" and report.remedies
    assert colours(report)["perplexity_ratio_passages"] == "red"
    assert "2.23 times as high" in report.sentence


def test_lost_items_alone_make_it_red():
    report = judge(0.05, 0.05, tuned=WRONG[:100] + RIGHT[100:])
    assert report.verdict == "red" and report.flips.lost == 100
    assert colours(report)["items_right"] == "red"


def test_a_base_that_cannot_answer_is_judged_by_the_passages_and_told_so():
    report = judge(0.05, 0.05, base=RIGHT[:12] + WRONG[12:], tuned=WRONG)
    assert report.verdict == "green" and report.flips.lost == 12
    assert colours(report)["items_right"] == "grey"
    assert "too few items" in report.sentence


def test_a_few_lost_items_that_may_be_chance_stay_green():
    report = judge(0.05, 0.05, base=RIGHT[:150] + WRONG[150:], tuned=WRONG[:3] + RIGHT[3:152] + WRONG[152:])
    assert colours(report)["items_right"] == "green"


def test_worse_drift_is_never_judged_milder():
    order = ["green", "amber", "red"]
    found = [order.index(judge(0.02 * step, 0.015 * step).verdict) for step in range(0, 80, 8)]
    assert found == sorted(found) and {0, 2} <= set(found)


def test_a_drop_on_the_users_own_set_turns_the_verdict_red():
    items = tuple(RegressionItem(f"r{i}", Prompt((Message("user", "?"),)), Equals(("yes",))) for i in range(20))
    yes, no = (Answer("yes"),), (Answer("no"),)
    gate = RegressionAnswers(items, AnsweredTwice(yes * 20, yes * 18 + no * 2), max_drop=0.05)
    assert judge(0.05, 0.05, regression=gate).verdict == "red"
    assert judge(0.05, 0.05, regression=replace(gate, max_drop=0.10)).verdict == "green"


def test_the_report_is_json_with_the_fields_of_the_run_folder():
    found = json.loads(json.dumps(judge(0.3, 0.8).as_json(), allow_nan=False))
    assert {"verdict", "sentence", "measures", "flips", "memorisation", "remedies"} <= found.keys()
    assert {
        "name",
        "base",
        "tuned",
        "change",
        "low",
        "high",
        "n",
        "threshold_amber",
        "threshold_red",
        "colour",
        "sentence",
    } == found["measures"][0].keys()
