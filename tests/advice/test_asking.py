"""What people say becomes evidence, and what cannot be understood is told with the words that can."""

from __future__ import annotations

import pytest

from advice.situations import arms, evidence
from luthier.advice import QUESTIONS, answer_to, evidence_from, said
from luthier.errors import RecipeError


def question(key: str):
    return next(question for question in QUESTIONS if question.key == key)


def test_what_is_said_becomes_evidence():
    found = evidence_from(said(["goal=knowledge", "rows=400", "target_score=0.9", "fits=false", "documents=true"]))
    assert (found.goal, found.rows, found.targets.score) == ("knowledge", 400, 0.9)
    assert (found.hardware.fits, found.documents) == (False, True)


def test_what_is_said_lies_over_what_was_measured_and_leaves_the_rest():
    known = evidence(rows=10, golden_rows=20, arms=arms(base=0.1, tuned=0.9))
    found = evidence_from(said(["rows=30", "requests_per_month=1000"]), known)
    assert (found.rows, found.golden_rows, found.arms) == (30, 20, known.arms)
    assert found.targets.requests_per_month == 1000.0


def test_the_names_of_the_recipe_are_understood_too():
    assert said(["evaluation.advice.goal=both"]) == {"goal": "both"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gaol=knowledge", "did you mean goal?"),
        ("goal=wisdom", "One of behaviour, knowledge, both"),
        ("rows=-1", "rows is -1"),
        ("rows=many", "rows is 'many'"),
        ("goal", "--set section.key=value"),
    ],
)
def test_what_cannot_be_understood_is_told(text: str, words: str):
    with pytest.raises(RecipeError) as caught:
        said([text])
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("key", "line", "value"),
    [
        ("goal", "knowledge", {"goal": "knowledge"}),
        ("goal", "BEH", {"goal": "behaviour"}),
        ("goal", "", {}),
        ("goal", "unknown", {}),
        ("documents", "yes", {"documents": True}),
        ("documents", "n", {"documents": False}),
        ("rows", "400", {"rows": 400}),
        ("rows", "", {}),
        ("prompt_tried", "not", {"prompt_tried": "not enough"}),
        ("prompt_tried", "no", {"prompt_tried": "no"}),
    ],
)
def test_a_typed_line_is_understood_by_its_beginning(key: str, line: str, value: dict):
    assert answer_to(question(key), line) == value


@pytest.mark.parametrize(("key", "line"), [("goal", "wisdom"), ("rows", "a lot"), ("freshness", "y and n")])
def test_a_line_that_is_not_understood_is_refused(key: str, line: str):
    with pytest.raises(RecipeError):
        answer_to(question(key), line)
