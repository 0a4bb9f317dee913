"""Texts that the model did not write, judged and embedded, against the plain forward pass."""

from __future__ import annotations

import random

import pytest
import torch

from luthier.generation import mean_hidden, token_log_probs
from tiny import VOCABULARY, tiny_llama

RNG = random.Random(0)
ROWS = [[RNG.randrange(VOCABULARY) for _ in range(length)] for length in (12, 7, 1, 30)]
ROWS.append([*ROWS[0][:6], 1, 2, 3])


@pytest.mark.parametrize("row", ROWS)
def test_each_token_has_the_probability_of_the_plain_forward_pass(row: list[int]):
    found = token_log_probs(tiny_llama(), row, top=3)

    with torch.inference_mode():
        log_probs_TV = tiny_llama(attention="sdpa")(input_ids=torch.tensor([row])).logits[0].log_softmax(-1)
    assert [token.id for token in found] == row[1:]
    for place, token in enumerate(found):
        assert token.log_prob == pytest.approx(float(log_probs_TV[place, token.id]), rel=1e-4, abs=1e-5)
        values = log_probs_TV[place].topk(3).values.tolist()
        assert [value for _, value in token.top] == pytest.approx(values, rel=1e-4, abs=1e-5)


def test_a_vector_is_the_mean_of_the_texts_own_hidden_states_at_length_one():
    plain = tiny_llama(attention="sdpa")
    found = mean_hidden(tiny_llama(), ROWS)

    for row, vector in zip(ROWS, found, strict=True):
        with torch.inference_mode():
            hidden_TD = plain.model(input_ids=torch.tensor([row])).last_hidden_state[0]
        expected = torch.nn.functional.normalize(hidden_TD.mean(dim=0), dim=0)
        assert vector == pytest.approx(expected.tolist(), abs=1e-5)
