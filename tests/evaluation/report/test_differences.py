"""Marks show where an answer departs from the reference, and never change the answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from luthier.evaluation.report.differences import mark_differences


def marked(answer: str, reference: str) -> list[str]:
    return [piece.text for piece in mark_differences(answer, reference) if piece.differs]


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_pieces_joined_are_the_answer(answer, reference):
    assert "".join(piece.text for piece in mark_differences(answer, reference)) == answer


def test_only_the_field_that_differs_is_marked():
    assert marked('{"intent": "complaint", "urgency": "high"}', '{"intent": "refund", "urgency": "high"}') == [
        "complaint"
    ]


def test_the_same_answer_has_no_marks():
    assert marked("yes", "yes") == []


def test_an_answer_of_another_kind_is_left_unmarked():
    assert marked("I think the customer is angry about something", '{"intent": "refund"}') == []


def test_words_side_by_side_share_one_mark():
    assert marked("send it by slow boat mail today please", "send it by air today please") == ["slow boat mail"]


def test_an_endless_answer_is_shown_without_marks():
    assert marked("la " * 5000, "la " * 4999) == []
