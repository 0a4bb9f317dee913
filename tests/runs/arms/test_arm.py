"""An arm is written down whole, and read back as it was answered."""

import pytest

from luthier.data import AnswerKind
from luthier.errors import Interrupted
from luthier.evaluation import Answer, Arm, Prompt
from luthier.examples import Example, Message
from luthier.recipe import EvaluationSettings
from luthier.runs.arms.arm import answer_arm, is_answered, judging_of, load_arm

GOLDEN = tuple(Example((Message("user", f"item {i}"), Message("assistant", f"answer {i}"))) for i in range(3))


@pytest.fixture
def judging():
    return judging_of(GOLDEN, EvaluationSettings(metrics=("exact_match",)), AnswerKind("text"))


@pytest.fixture
def arm():
    return Arm("base", tuple(Prompt(example.prompt) for example in GOLDEN))


def answering(*texts):
    """A model that answers last things first, as generation may."""

    def generate(prompts):
        for index in reversed(range(len(prompts))):
            yield index, Answer(texts[index], 5, 2, 0.25, "stop")

    return generate


def never():
    return False


def test_an_arm_is_read_back_as_it_was_answered(new_run, arm, judging):
    folder = new_run()
    last = list(answer_arm(folder, arm, judging, answering("answer 0", "no", "answer 2"), never))[-1]
    result, notes = load_arm(folder, "base")
    assert (last.done, last.total) == (3, 3)
    assert [answer.text for answer in result.answers] == ["answer 0", "no", "answer 2"]
    assert result.scores == {"exact_match": (1.0, 0.0, 1.0)}
    assert result.answers[0] == Answer("answer 0", 5, 2, 0.25, "stop")
    assert notes == tuple(arm.notes)


@pytest.mark.parametrize("separator", ["\n", "\r", "\u2028", "\x85", "\x0c", "\x1e"])
def test_an_answer_with_line_separators_stays_one_answer(new_run, arm, judging, separator):
    folder = new_run()
    list(answer_arm(folder, arm, judging, answering(f"one{separator}two", "", "x"), never))
    assert [answer.text for answer in load_arm(folder, "base")[0].answers] == [f"one{separator}two", "", "x"]


def test_a_stopped_arm_writes_nothing_and_is_asked_again(new_run, arm, judging):
    folder = new_run()
    with pytest.raises(Interrupted, match="stopped while the arm base was answering"):
        list(answer_arm(folder, arm, judging, answering("a", "b", "c"), lambda: True))
    assert not is_answered(folder, "base")
