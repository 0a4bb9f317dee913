"""The bench answers what fits into the context, and gives answers the room that the training answers take."""

import dataclasses

import pytest
import torch

from luthier.errors import Interrupted
from luthier.evaluation import Answer, Prompt
from luthier.examples import Example, Message
from luthier.runs.workbench import (
    FALLBACK_CONTEXT_TOKENS,
    answer_prompts,
    answering_note,
    count_prompt_tokens,
    load_base,
    longest_answer_tokens,
    set_up,
)
from tiny import tiny_llama


@pytest.fixture
def bench(recipe):
    return set_up(recipe())


def asking(text: str) -> Prompt:
    return Prompt((Message("user", text),))


def answered(text: str) -> Example:
    return Example((Message("user", "card lost"), Message("assistant", text)))


def test_an_interrupted_run_goes_on_in_the_precision_that_it_had_chosen(recipe):
    assert set_up(recipe("model.precision=auto"), "bfloat16").precision.name == "bfloat16"
    assert set_up(recipe("model.precision=float32"), "bfloat16").precision.name == "float32"


def test_the_context_is_the_models_own(bench):
    assert (bench.base.context_tokens, bench.context_tokens) == (256, 256)
    assert bench.precision.name == "float32"


@pytest.mark.parametrize(("asked", "given"), [(100, 100), (9_999, 256)])
def test_max_tokens_can_only_shorten_the_context(recipe, asked, given):
    assert set_up(recipe(f"data.max_tokens={asked}")).context_tokens == given


@pytest.mark.parametrize(("method", "dtype"), [("lora", torch.bfloat16), ("full", torch.float32)])
def test_only_a_frozen_base_is_stored_rounded(recipe, method, dtype):
    asked = recipe("model.precision=bfloat16", f"method.kind={method}")
    model = load_base(set_up(asked), asked)
    assert {parameter.dtype for parameter in model.parameters()} == {dtype}


def test_a_prompt_too_long_gets_an_empty_answer_and_the_others_theirs(recipe, bench):
    prompts = [asking("card lost"), asking("van " * 300), asking("late order")]
    answers = dict(answer_prompts(load_base(bench, recipe()), bench, prompts, 4, 8, seed=0))
    assert sorted(answers) == [0, 1, 2]
    length = count_prompt_tokens(bench, prompts[1].messages)
    assert answers[1] == Answer("", prompt_tokens=length, finish_reason="length")
    assert length > 256
    for index in (0, 2):
        assert 0 < answers[index].completion_tokens <= 4
        assert answers[index].prompt_tokens == count_prompt_tokens(bench, prompts[index].messages)


def test_a_prompt_fits_as_long_as_its_answer_does(recipe, bench):
    model, prompt = load_base(bench, recipe()), asking("card lost")
    room = bench.context_tokens - count_prompt_tokens(bench, prompt.messages)
    for max_new_tokens, is_answered in ((room, True), (room + 1, False)):
        ((_, answer),) = answer_prompts(model, bench, [prompt], max_new_tokens, 1, seed=0)
        assert (answer.seconds > 0) is is_answered


def test_an_answer_is_the_same_whoever_shares_its_batch(recipe, bench):
    model = load_base(bench, recipe())
    prompts = [asking(text) for text in ("card lost", "van price note", "app slow crash login")]
    alone, together = (
        {index: answer.text for index, answer in answer_prompts(model, bench, prompts, 6, items, seed=0)}
        for items in (1, 3)
    )
    assert alone == together


def test_whoever_heeds_can_stop_answers_in_the_middle(recipe, bench):
    calls = []

    def heed() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise Interrupted("stopped", expected="", fix="")

    with pytest.raises(Interrupted):
        list(answer_prompts(load_base(bench, recipe()), bench, [asking("card lost")] * 9, 50, 2, seed=0, heed=heed))
    assert len(calls) == 2


def test_the_bench_says_who_answers_where_that_is_not_one_batch(bench):
    assert answering_note(tiny_llama(), bench) is None
    rope = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}
    note = answering_note(tiny_llama(max_position_embeddings=32, rope_parameters=rope), bench)
    assert note is not None and "Transformers' own generate" in note and "beyond 32 tokens" in note


def test_new_tokens_come_from_the_longest_training_answer(bench):
    long = "refund parcel " * 6
    longest = len(bench.chat.ids(long))
    assert longest_answer_tokens([answered("card"), answered(long)], bench) == longest + longest // 4 + 4


def test_new_tokens_take_at_most_half_the_context(bench):
    assert longest_answer_tokens([answered("van " * 300)], bench) == 128


def test_without_training_answers_there_is_still_room_for_a_few_tokens(bench):
    assert longest_answer_tokens([], bench) == 5


def test_a_model_that_states_no_context_is_held_to_a_modest_one(recipe, bench):
    silent = dataclasses.replace(bench, base=dataclasses.replace(bench.base, config={"model_type": "llama"}))
    prompt = asking("van " * FALLBACK_CONTEXT_TOKENS)
    ((_, answer),) = answer_prompts(load_base(bench, recipe()), silent, [prompt], 4, 1, seed=0)
    assert answer.text == "" and answer.prompt_tokens > FALLBACK_CONTEXT_TOKENS
