"""The same prompts, answered by both models, each answer in its prompt's place."""

from luthier.evaluation import Prompt
from luthier.examples import Message
from luthier.models import load_model
from luthier.runs.forgetting.answers_of_both import answer_both
from luthier.runs.forgetting.two_models import TwoModels
from luthier.runs.workbench import load_base, set_up


def prompts(*texts: str) -> list[Prompt]:
    return [Prompt((Message("user", text),)) for text in texts]


def test_the_same_model_twice_answers_alike_and_in_order(recipe):
    bench = set_up(recipe())
    model = load_base(bench, recipe()).eval()
    asked = prompts("card lost", "refund order parcel", "app")
    found = answer_both(TwoModels(model, model, None), bench, asked, 4, 64, lambda: None)
    assert [answer.text for answer in found.answers.base] == [answer.text for answer in found.answers.tuned]
    alone = answer_both(TwoModels(model, model, None), bench, asked[1:2], 4, 64, lambda: None)
    assert alone.answers.base[0].text == found.answers.base[1].text
    assert found.base_ids[1] == alone.base_ids[0] and found.unanswered == 0


def test_a_prompt_that_leaves_no_room_is_counted_and_answered_with_nothing(recipe):
    bench = set_up(recipe())
    model = load_model(bench.base, bench.precision.dtype, bench.device).eval()
    found = answer_both(TwoModels(model, model, None), bench, prompts("card", "late " * 400), 4, 64, lambda: None)
    assert found.unanswered == 1
    assert (found.answers.base[1].text, found.base_ids[1]) == ("", ())
