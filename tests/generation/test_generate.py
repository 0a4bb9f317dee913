"""Batched answers equal the slow truth: one prompt at a time, the whole sequence recomputed for each token."""

import random

import pytest
import torch

from luthier.generation import Decoding, generate
from tiny import VOCABULARY, tiny_llama


def one_at_a_time(model, prompt, max_new_tokens, end_ids):
    ids, written = list(prompt), []
    for _ in range(max_new_tokens):
        token = int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
        if token in end_ids:
            return tuple(written), True
        written.append(token)
        ids.append(token)
    return tuple(written), False


@pytest.mark.parametrize("shared_tokens", [0, 17])
def test_greedy_answers_equal_the_token_by_token_truth(shared_tokens):
    rng = random.Random(shared_tokens)
    beginning = [rng.randrange(VOCABULARY) for _ in range(shared_tokens)]
    prompts = [beginning + [rng.randrange(VOCABULARY) for _ in range(rng.randint(1, 20))] for _ in range(20)]
    end_ids = frozenset({5, 6, 7})
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
