"""Language, refusal and repetition are read off an answer by plain rules."""

import pytest

from luthier.evaluation.forgetting import battery
from luthier.evaluation.forgetting.traits import is_refusal, language_of, repetition


def test_the_language_of_nearly_every_passage_is_recognised():
    passages = [passage for passage in battery().passages if passage.register not in ("code", "data")]
    wrong = [passage for passage in passages if language_of(passage.text) != passage.language]
    assert wrong == []


@pytest.mark.parametrize("text", ["", "Oslo", '{"intent": "refund", "urgent": true}', "42"])
def test_what_says_too_little_has_no_language(text: str):
    assert language_of(text) is None


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("I'm sorry, but I can't help with that.", True),
        ("I cannot assist with this request.", True),
        ("Es tut mir leid, aber das geht nicht.", True),
        ("很抱歉，我做不到。", True),
        ("The sky is blue because of the air.", False),
        ("She said that she was sorry for the rain.", False),
    ],
)
def test_a_refusal_is_known_by_its_phrases(text: str, is_one: bool):
    assert is_refusal(text) is is_one


def test_repetition_counts_runs_that_occurred_before():
    assert repetition("one two three four five six") == 0.0
    assert repetition("so it goes on " * 20) > 0.9
    assert repetition("哈" * 40) > 0.9
    assert repetition("") == 0.0
