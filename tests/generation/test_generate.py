"""Answers to many prompts equal the slow truth, whoever shares the batch, and end when they are told to."""

import random
import threading

import pytest
import torch

from luthier.generation import Decoding, generate
from luthier.generation.generate import PROMPT_TOKENS, common_beginning, settings_for
from slow_truth import one_at_a_time
from tiny import VOCABULARY, tiny_llama


def random_prompts(count: int, shared_tokens: int = 0, longest: int = 20) -> list[list[int]]:
    rng = random.Random(shared_tokens)
    beginning = [rng.randrange(VOCABULARY) for _ in range(shared_tokens)]
    return [beginning + [rng.randrange(VOCABULARY) for _ in range(rng.randint(1, longest))] for _ in range(count)]


def engine_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "luthier-engine"]


@pytest.mark.parametrize("shared_tokens", [0, 17])
def test_greedy_answers_equal_the_token_by_token_truth(shared_tokens):
    prompts, end_ids = random_prompts(20, shared_tokens), frozenset({5, 6, 7})
    answers = {a.index: a for a in generate(tiny_llama(), prompts, Decoding(12, end_ids, batch_items=7))}
    truth = tiny_llama(attention="sdpa")
    for index, prompt in enumerate(prompts):
        assert (answers[index].ids, answers[index].is_finished) == one_at_a_time(truth, prompt, 12, end_ids)


def test_sampled_answers_do_not_depend_on_who_shares_the_batch():
    prompts = [[3, 4, i] for i in range(6)]
    decoding = [Decoding(8, frozenset({1}), batch_items=n, temperature=1.0, seed=3) for n in (1, 6)]
    alone, together = ({a.index: a.ids for a in generate(tiny_llama(), prompts, d)} for d in decoding)
    assert alone == together


def test_equal_prompts_get_equal_answers():
    answers = [a.ids for a in generate(tiny_llama(), [[9, 8, 7]] * 3, Decoding(6, frozenset()))]
    assert answers[0] == answers[1] == answers[2]


def test_no_prompts_no_answers():
    assert list(generate(tiny_llama(), [], Decoding(4, frozenset()))) == []


def test_the_same_prompts_meet_in_the_same_steps_every_time():
    """Last bits depend on what is computed together; only equal steps give equal answers in every number format."""
    prompts = random_prompts(30)
    told = []
    for _ in range(3):
        model, shapes = tiny_llama(), []
        model.model.embed_tokens.register_forward_hook(lambda _, given, __, seen=shapes: seen.append(given[0].tolist()))
        list(generate(model, prompts, Decoding(9, frozenset({5, 6, 7}), batch_items=8)))
        told.append(shapes)
    assert told[0] == told[1] == told[2]


def test_short_prompts_are_answered_first():
    prompts = random_prompts(12)
    lengths = [len(prompts[a.index]) for a in generate(tiny_llama(), prompts, Decoding(3, frozenset(), batch_items=2))]
    assert lengths == sorted(lengths)


def test_whoever_heeds_ends_everything_within_a_few_steps_and_has_the_model_back():
    class Enough(Exception):
        pass

    model, steps, heeded = tiny_llama(), [], []
    model.model.embed_tokens.register_forward_hook(lambda *_: steps.append(1))

    def heed() -> None:
        heeded.append(len(steps))
        if len(heeded) == 3:
            raise Enough

    with pytest.raises(Enough):
        list(generate(model, random_prompts(40), Decoding(200, frozenset(), batch_items=4), heed))
    assert len(heeded) == 3 and not engine_threads()
    assert len(steps) < 40 * 200 / 4


def test_what_breaks_a_step_reaches_whoever_asked_as_it_is():
    model = tiny_llama()

    def breaks(*_):
        raise MemoryError("out of memory")

    answers = generate(model, random_prompts(3), Decoding(5, frozenset()))
    next_broken = model.model.layers[1].register_forward_hook(
        lambda _, __, output: breaks() if model.model.embed_tokens.weight.isnan().any() else output
    )
    with torch.no_grad():
        model.model.embed_tokens.weight[0, 0] = torch.nan
    with pytest.raises(MemoryError, match="out of memory"):
        list(answers)
    next_broken.remove()
    assert not engine_threads()


def test_seconds_are_shares_of_one_whole():
    prompts = random_prompts(12)
    answers = list(generate(tiny_llama(), prompts, Decoding(10, frozenset(), batch_items=3)))
    assert all(answer.seconds > 0 for answer in answers)


def test_memory_grows_with_what_is_shared_once_and_with_rows_up_to_a_bound():
    decoding = Decoding(10, frozenset(), batch_items=64)
    few = [[*range(600), place] for place in range(32)]
    assert common_beginning(few) == 600
    assert settings_for(few, decoding).memory_tokens == 600 + 32 + 32 * (10 + 32)
    many = [[place] * 1000 for place in range(640)]
    assert settings_for(many, decoding).memory_tokens == PROMPT_TOKENS + 64 * (10 + 32)
    one = [[1] * 9000]
    settings = settings_for(one, decoding)
    assert (settings.rows, settings.context_tokens) == (1, 9010) and (settings.memory_tokens or 0) >= 9010


def test_prompts_that_do_not_fit_into_memory_together_take_turns():
    """Sixteen rows of 500 tokens are twice what is remembered at once."""
    prompts = [[place, *[7] * 400, place] for place in range(16)]
    model = tiny_llama(max_position_embeddings=512)
    answers = {a.index: a.ids for a in generate(model, prompts, Decoding(30, frozenset(), batch_items=16))}
    truth = tiny_llama(attention="sdpa", max_position_embeddings=512)
    for index in (0, 7, 15):
        assert answers[index] == one_at_a_time(truth, prompts[index], 30)[0]
