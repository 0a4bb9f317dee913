"""A verdict says what its items could have shown."""

from luthier.evaluation import Answer, ArmResult, compare_pair
from luthier.evaluation.evidence import evidence_reasons

METRIC = "exact_match"


def arm(name: str, right: int, size: int = 1, samples: tuple[tuple[float, ...], ...] = ()) -> ArmResult:
    scores = (1.0,) * right + (0.0,) * (100 - right)
    groups = tuple(str(index // size) for index in range(100)) if size > 1 else ()
    return ArmResult(name, (Answer(""),) * 100, {METRIC: scores}, groups, {METRIC: samples} if samples else {})


def reasons(tuned: ArmResult, base: ArmResult) -> list[str]:
    return evidence_reasons([base, tuned], compare_pair(tuned, base, METRIC), comparisons=1)


def test_an_undecided_comparison_says_what_it_could_have_detected():
    (sentence,) = reasons(arm("tuned", 54), arm("base", 50))
    assert sentence == "100 items on which the arms change this often can detect no difference with 80 % power."


def test_a_decided_one_does_not():
    assert reasons(arm("tuned", 80), arm("base", 50)) == []


def test_groups_are_named_with_what_they_are_worth():
    found = reasons(arm("tuned", 80, size=10), arm("base", 50, size=10))
    assert any(sentence.startswith("The 100 items come from 10 groups and are worth ") for sentence in found)
    assert any(sentence.startswith("Only 10 groups: ") for sentence in found)


def test_several_answers_per_item_say_where_the_doubt_lies():
    samples = ((1.0, 1.0, 1.0),) * 80 + ((0.0, 0.0, 0.0),) * 20
    (sentence,) = reasons(arm("tuned", 80, samples=samples), arm("base", 50))
    assert sentence == (
        "Each item was answered 3.0 times; 100 % of the doubt lies between items: more items help, more answers hardly."
    )
