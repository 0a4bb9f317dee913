"""Each metric gives what a careful person would give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.data import AnswerKind
from luthier.errors import DataError
from luthier.evaluation import choices_for, metrics_for, score, score_all
from luthier.recipe import EvaluationSettings, MetricName

LABELS = ("refund", "card lost", "other")
TICKET = '{"intent": "refund", "urgency": 2, "wants_human": true, "product": null}'


def test_exact_match_forgives_outer_space_and_unicode_spelling_only():
    assert score("exact_match", " caf\u00e9\n", "cafe\u0301") == 1
    assert score("exact_match", "Cafe\u0301", "cafe\u0301") == 0


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("refund", 1),
        (' "Refund." ', 1),
        ("**REFUND**", 1),
        ("`refund`", 1),
        ("card  Lost!", 0),
        ("refund or other", 0),
        ("The answer is refund", 0),
        ("refunds", 0),
        ("", 0),
    ],
)
def test_a_choice_counts_when_it_is_the_whole_answer(answer: str, right: int):
    assert score("choice_accuracy", answer, "refund", LABELS) == right


def test_choices_that_differ_only_in_case_or_punctuation_are_told_apart():
    assert score("choice_accuracy", "C", "c", ("c", "C", "C++")) == 0
    assert score("choice_accuracy", "-", "!", ("-", "!")) == 0
    assert score("choice_accuracy", "YES.", "yes", ("yes", "no")) == 1


@pytest.mark.parametrize(
    ("answer", "share"),
    [
        (TICKET, 1),
        ('{"urgency": 2.0, "intent": "refund", "product": null, "wants_human": true, "extra": 1}', 1),
        ('{"intent": "refund", "urgency": "2", "wants_human": 1}', 0.25),
        ('{"intent": "other", "urgency": 3, "wants_human": false, "product": "tv"}', 0),
        (f"```json\n{TICKET}\n```", 0),
        (TICKET[:-1], 0),
    ],
)
def test_field_match_is_the_share_of_reference_fields_that_are_right(answer: str, share: float):
    assert score("field_match", answer, TICKET) == share


def test_a_missing_field_is_not_the_same_as_null():
    assert score("field_match", "{}", '{"product": null}') == 0


def test_a_stray_reference_in_words_has_to_be_matched_in_words():
    assert score_all("field_match", ["Sorry.", "{}", TICKET], ["Sorry.", "Sorry.", TICKET]) == (1, 0, 1)


def test_field_match_refuses_golden_sets_without_any_object():
    with pytest.raises(DataError, match="none of 2 golden answers is a JSON object, as 'refund'"):
        score_all("field_match", ["{}", "{}"], ["refund", "other"])


def test_token_f1_follows_squad():
    assert score("token_f1", "The cat sat!", "a cat sat") == 1
    assert score("token_f1", "the big cat", "cat") == pytest.approx(2 / 3)
    assert score("token_f1", "cat cat", "cat") == pytest.approx(2 / 3)
    assert score("token_f1", "", "") == 1
    assert score("token_f1", "", "cat") == 0


@pytest.mark.parametrize("metric", ["exact_match", "json_valid", "token_f1", "choice_accuracy", "field_match"])
@given(answer=st.text())
def test_every_score_lies_between_0_and_1_and_the_reference_scores_1(metric: MetricName, answer: str):
    first, second = score_all(metric, [answer, TICKET], [TICKET, TICKET])
    assert 0 <= first <= 1 and second == 1


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (AnswerKind("choices", LABELS, ()), ("choice_accuracy", "exact_match")),
        (AnswerKind("json", (), ("intent",)), ("field_match", "json_valid", "exact_match")),
        (AnswerKind("text", (), ()), ("token_f1", "exact_match")),
    ],
)
def test_metrics_are_chosen_by_the_kind_of_the_answers(kind: AnswerKind, expected: tuple[MetricName, ...]):
    assert metrics_for(EvaluationSettings(), kind) == expected


def test_the_primary_metric_comes_first_and_is_always_measured():
    text = AnswerKind("text", (), ())
    assert metrics_for(EvaluationSettings(primary_metric="exact_match"), text) == ("exact_match", "token_f1")
    assert metrics_for(EvaluationSettings(primary_metric="json_valid"), text)[0] == "json_valid"


def test_choices_of_the_recipe_win_over_those_found():
    settings = EvaluationSettings(choices=("yes", "no"))
    assert choices_for(settings, AnswerKind("choices", LABELS, ())) == ("yes", "no")
    assert metrics_for(settings, AnswerKind("text", (), ())) == ("choice_accuracy", "exact_match")
