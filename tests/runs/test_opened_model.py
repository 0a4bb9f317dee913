"""A model folder answers and weighs continuations; tokens are split between context and choice as lm-eval does."""

import pytest

from luthier.errors import ModelError
from luthier.evaluation import Prompt
from luthier.evaluation.tasks import ChoiceQuestion, TaskItem
from luthier.examples import Message
from luthier.generation import continuation_log_probs
from luthier.recipe import TaskDecoding
from luthier.runs.opened_model import encode_pair, generate_of, open_model, score_choices_of


@pytest.fixture(scope="module")
def opened(tiny_model):
    return open_model(str(tiny_model), precision="float32")


def test_spaces_at_the_end_of_a_context_belong_to_the_continuation(opened):
    first, second = encode_pair(opened, "card lost  ", "bill")
    tokenizer = opened.bench.chat.tokenizer
    assert tokenizer.decode(first) == "card lost"
    assert tokenizer.decode([*first, *second]) == "card lost  bill"


def test_an_empty_context_is_the_token_that_begins_or_ends_a_text(opened):
    first, second = encode_pair(opened, "", "card")
    assert first == [opened.bench.chat.tokenizer.eos_token_id]
    assert opened.bench.chat.tokenizer.decode(second) == "card"


def test_choices_come_back_in_their_places(opened):
    item = TaskItem("1", {})
    questions = [
        ChoiceQuestion(item, "card lost", (" bill", " app slow"), (0,), (4, 8)),
        ChoiceQuestion(item, "refund", (" shop",), (0,), (4,)),
    ]
    found = score_choices_of(opened)(questions)
    alone = dict(continuation_log_probs(opened.model, [encode_pair(opened, "refund", " shop")], 256))
    assert [len(log_probs) for log_probs in found] == [2, 1]
    assert found[1][0] == pytest.approx(alone[0].log_prob, rel=1e-5)


def test_greedy_answers_are_the_same_each_time_and_drawn_ones_go_by_their_seed(opened):
    prompts = [Prompt((Message("user", word),)) for word in ("card", "bill")]

    def texts(**decoding):
        asked = generate_of(opened, TaskDecoding(max_new_tokens=6, **decoding))
        return [answer.text for _, answer in sorted(asked(prompts), key=lambda pair: pair[0])]

    assert texts() == texts()
    assert texts(temperature=1.5, seed=1) == texts(temperature=1.5, seed=1)
    assert texts(temperature=1.5, seed=1) != texts(temperature=1.5, seed=2)


def test_answers_that_leave_no_room_for_a_question_are_refused(opened):
    with pytest.raises(ModelError, match="leave no room"):
        list(generate_of(opened, TaskDecoding(max_new_tokens=300))([Prompt((Message("user", "card"),))]))
