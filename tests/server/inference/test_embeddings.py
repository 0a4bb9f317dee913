"""Embeddings and moderations on the wire."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from server.conftest import BASE, RunningServer


def test_the_clients_own_base64_and_plain_numbers_are_the_same_vector(running: RunningServer):
    plain = running.client.embeddings.create(model=BASE, input=["a", "b"], encoding_format="float")
    packed = running.client.embeddings.create(model=BASE, input=["a", "b"])

    assert [item.index for item in packed.data] == [0, 1]
    assert packed.data[1].embedding == pytest.approx(plain.data[1].embedding)
    assert packed.usage.prompt_tokens == packed.usage.total_tokens == 2


def test_a_shortened_vector_has_length_one_again(running: RunningServer):
    found = running.client.embeddings.create(model=BASE, input=[1, 2, 3], dimensions=2).data[0].embedding
    assert found == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize("asked", [{"input": ""}, {"input": []}, {"input": ["a", ""]}, {"input": "a", "dimensions": 4}])
def test_what_has_no_vector_is_a_400(running: RunningServer, asked: Any):
    with pytest.raises(openai.BadRequestError):
        running.client.embeddings.create(model=BASE, **asked)


def test_moderations_are_refused_rather_than_guessed(running: RunningServer):
    with pytest.raises(openai.NotFoundError, match="no moderation model"):
        running.client.moderations.create(input="x")
