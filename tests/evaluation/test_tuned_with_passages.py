"""A tuned model with passages is no opponent of tuning, but what passages add is told."""

from luthier.evaluation import Answer, ArmResult, passages_sentence, without_passages


def arm(name: str, *scores: float) -> ArmResult:
    return ArmResult(name, tuple(Answer("") for _ in scores), {"exact_match": scores})


BASE = arm("base", *[0.0] * 40)
TUNED = arm("tuned", *[0.0] * 30, *[1.0] * 10)
BOTH = arm("tuned-rag", *[1.0] * 40)


def test_the_verdict_on_tuning_leaves_it_out():
    assert without_passages([BASE, TUNED, BOTH]) == [BASE, TUNED]


def test_what_passages_add_is_told_with_its_interval():
    told = passages_sentence([BASE, TUNED, BOTH], "exact_match")
    assert told is not None
    assert told.startswith(
        "Tuned with passages scores 75.0 points of exact match higher than tuned without (95 % interval"
    )
    assert "chance" not in told


def test_what_may_be_chance_is_called_so():
    told = passages_sentence([TUNED, arm("tuned-rag", *TUNED.scores["exact_match"])], "exact_match")
    assert told is not None and told.endswith("which may be chance.")


def test_without_both_there_is_nothing_to_tell():
    assert passages_sentence([BASE, TUNED], "exact_match") is None
