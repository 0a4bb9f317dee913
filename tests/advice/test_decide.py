"""The table of situations, and what must hold in all of them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from advice.cases import ALL_ARMS, ASSUMED, MEASURED
from advice.situations import arms, evidence, pair
from luthier.advice import Evidence, Hardware, decide_approach
from luthier.advice.evidence import EFFORT, TUNED_KINDS


@pytest.mark.parametrize(("known", "answer"), [case[1:] for case in ASSUMED], ids=[case[0] for case in ASSUMED])
def test_without_measurements_the_usual_order_is_followed(known: dict[str, Any], answer: str):
    advice = decide_approach(evidence(**known))
    assert (advice.answer, advice.basis) == (answer, "assumed")


@pytest.mark.parametrize(("known", "answer"), [case[1:] for case in MEASURED], ids=[case[0] for case in MEASURED])
def test_with_measurements_the_cheapest_that_nothing_beats_is_advised(known: dict[str, Any], answer: str):
    assert decide_approach(evidence(**known)).answer == answer


def test_there_are_at_least_sixty_situations():
    assert len(ASSUMED) + len(MEASURED) >= 60
    assert len({case[0] for case in (*ASSUMED, *MEASURED)}) == len(ASSUMED) + len(MEASURED)


def every_situation() -> list[Evidence]:
    return [evidence(**case[1]) for case in (*ASSUMED, *MEASURED)]


@pytest.mark.parametrize("licence", ["unknown", "allowed"])
@pytest.mark.parametrize("known", every_situation())
def test_every_advice_has_reasons_a_path_and_what_would_change_it(known: Evidence, licence: str):
    advice = decide_approach(evidence(**{**vars(known), "licence": licence}))
    assert advice.reasons and advice.path and advice.would_change
    assert advice.sentence.endswith(".")
    assert all(reason.sentence.endswith((".", "?")) for reason in advice.reasons)


@pytest.mark.parametrize("freshness", ["weekly", "daily"])
@pytest.mark.parametrize("known", every_situation())
def test_facts_that_change_weekly_never_lead_to_tuning_alone(known: Evidence, freshness: str):
    changed = evidence(**{**vars(known), "freshness": freshness})
    assert decide_approach(changed).answer != "tune"


@pytest.mark.parametrize("ban", [{"licence": "forbidden"}, {"hardware": Hardware(fits=False)}])
@pytest.mark.parametrize("known", every_situation())
def test_what_may_not_or_cannot_be_tuned_is_never_tuned(known: Evidence, ban: dict[str, Any]):
    assert decide_approach(evidence(**{**vars(known), **ban})).answer not in ("tune", "tune+rag")


def grids() -> list[dict[str, float]]:
    means = (0.3, 0.5, 0.52, 0.8)
    return [
        dict(zip(("prompt", "few_shot", "rag", "tuned"), row, strict=True))
        for row in itertools.product(means, repeat=4)
    ]


def test_tuning_is_never_advised_when_a_cheaper_arm_is_as_good():
    for means in grids():
        known = evidence(arms=arms(**means))
        advice = decide_approach(known)
        others = [mean for name, mean in means.items() if name != "tuned"]
        if max(others) >= means["tuned"] - 0.03:
            assert advice.answer not in ("tune", "tune+rag"), means
        if means["tuned"] > max(others) + 0.05:
            assert advice.answer == "tune", means


def test_measured_evidence_beats_assumptions():
    assumptions = itertools.product(
        ("behaviour", "knowledge", "both", "unclear", "unknown"),
        ("static", "monthly", "unknown"),
        ("no", "enough", "not enough"),
        (0, 40, 10_000),
        (True, False, None),
    )
    for goal, freshness, tried, rows, documents in assumptions:
        known = {"goal": goal, "freshness": freshness, "prompt_tried": tried, "retrieval_tried": tried, "rows": rows}
        measured = evidence(**known, documents=documents, arms=arms(**ALL_ARMS, tuned=0.9))
        advice = decide_approach(measured)
        assert (advice.answer, advice.basis, advice.arm) == ("tune", "measured", "tuned")


def test_the_advised_arm_is_beaten_by_none_that_may_be_used():
    for means in grids():
        advice = decide_approach(evidence(arms=arms(**means)))
        chosen = means[(advice.arm or "").replace("-", "_")]
        assert chosen >= max(means.values()) - 0.06


def test_the_kinds_are_ordered_by_effort():
    assert EFFORT.index("prompt") < EFFORT.index("rag") < min(EFFORT.index(kind) for kind in TUNED_KINDS)


def test_the_same_evidence_gives_the_same_advice():
    for known in every_situation():
        assert decide_approach(known).as_json() == decide_approach(known).as_json()


def test_more_items_are_named_when_a_tie_could_be_broken():
    known = evidence(arms=arms(prompt=0.7, tuned=0.83), differences=(pair("tuned", "prompt", 0.13, 0.2),))
    assert any("about 800 more golden items" in item for item in decide_approach(known).would_change)


def test_a_red_forgetting_verdict_is_told_with_the_advice_to_tune():
    advice = decide_approach(evidence(forgetting="red", arms=arms(prompt=0.2, tuned=0.9)))
    assert any("forgot" in reason.sentence for reason in advice.reasons)
    assert advice.sentence.startswith("Tune, but gentler")
