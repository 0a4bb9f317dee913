"""Recall is counted against what is known to be right."""

import pytest

from luthier.retrieval import Chunk, Passage, from_document, holding, recall_at


def passage(document: str, text: str = "") -> Passage:
    return Passage(Chunk(document, "", text, 0, len(text)), 1)


def test_recall_counts_questions_with_a_right_passage_among_the_first_k():
    found = [[passage("a"), passage("b")], [passage("c"), passage("d")], [passage("e")]]
    right = [from_document("b"), from_document("x"), None]
    assert recall_at(found, right, 1) == (0.0, 0.0)
    assert recall_at(found, right, 2) == (1.0, 0.0)


@pytest.mark.parametrize("name", ["faq/lamp.md", "lamp.md", "faq/lamp", "lamp", " lamp "])
def test_a_document_may_be_named_short(name):
    assert from_document(name)(passage("faq/lamp.md"))


@pytest.mark.parametrize(
    ("answer", "text", "is_held"),
    [
        ("308", "They gave up 308 points.", True),
        ("30", "They gave up 308 points.", False),
        ("Kawann  short", "tackle Kawann Short led", True),
        ("首都", "東京は日本の首都です。", True),
        ("24–10", "by 24-10 it", True),
    ],
)
def test_an_answer_is_held_word_for_word(answer, text, is_held):
    right = holding(answer)
    assert right is not None and right(passage("d", text)) is is_held


def test_an_answer_without_letters_is_no_measure():
    assert holding("?!") is None
