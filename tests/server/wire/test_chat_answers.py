"""Chat completions whole and in chunks, as the official client sees them."""

from __future__ import annotations

import json
from typing import Any

from luthier.answering import Delta, TokenChance
from server.conftest import BASE, RunningServer
from server.scripted_inference import ScriptedInference

ASK: list[Any] = [{"role": "user", "content": "2 + 2?"}]


def test_nulls_that_clients_look_for_are_sent_and_not_left_out(running: RunningServer):
    raw = running.client.chat.completions.with_raw_response.create(model=BASE, messages=ASK)

    (choice,) = json.loads(raw.text)["choices"]
    assert choice["logprobs"] is None and choice["message"]["refusal"] is None
    assert raw.headers["x-request-id"]


def test_a_stream_brings_the_role_first_and_the_reason_last(running: RunningServer):
    chunks = list(running.client.chat.completions.create(model=BASE, messages=ASK, stream=True))

    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].delta.content for chunk in chunks[1:-1]] == ["Hello", " world"]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert all("usage" not in chunk.model_fields_set for chunk in chunks)


def test_a_stream_tells_the_totals_in_a_last_chunk_without_choices_when_asked(running: RunningServer):
    asked = {"stream_options": {"include_usage": True}}
    chunks = list(running.client.chat.completions.create(model=BASE, messages=ASK, stream=True, **asked))

    assert chunks[-1].choices == [] and chunks[-1].usage and chunks[-1].usage.total_tokens == 9
    assert all(chunk.usage is None and "usage" in chunk.model_fields_set for chunk in chunks[:-1])


def test_choices_of_a_stream_interleave_by_index(running: RunningServer):
    texts = ["", "", ""]
    for chunk in running.client.chat.completions.create(model=BASE, messages=ASK, n=3, stream=True):
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert texts == ["Hello world"] * 3


def test_log_probabilities_ride_on_the_chunks_of_their_tokens(running: RunningServer, told: ScriptedInference):
    likeliest = (TokenChance("4", -0.1, b"4"), TokenChance("5", -2.5, b"5"))
    told.pieces = (Delta(text="4", chances=(TokenChance("4", -0.1, b"4", likeliest[::-1]),)),)
    asked: dict[str, Any] = {"model": BASE, "messages": ASK, "logprobs": True, "top_logprobs": 2}

    whole = running.client.chat.completions.create(**asked)
    chunks = list(running.client.chat.completions.create(**asked, stream=True))

    assert whole.choices[0].logprobs and whole.choices[0].logprobs.content
    (token,) = whole.choices[0].logprobs.content
    assert (token.token, token.bytes, token.logprob) == ("4", [52], -0.1)
    assert [entry.token for entry in token.top_logprobs] == ["4", "5"]
    assert chunks[1].choices[0].logprobs and chunks[1].choices[0].logprobs.content == [token]


def test_chances_of_other_tokens_are_an_empty_list_where_none_were_asked(
    running: RunningServer, told: ScriptedInference
):
    told.pieces = (Delta(text="4", chances=(TokenChance("4", -0.1, b"4"),)),)
    answer = running.client.chat.completions.create(model=BASE, messages=ASK, logprobs=True)
    assert answer.choices[0].logprobs and answer.choices[0].logprobs.content
    assert answer.choices[0].logprobs.content[0].top_logprobs == []


def test_a_probability_of_nothing_is_a_number_that_json_has(running: RunningServer, told: ScriptedInference):
    told.pieces = (Delta(text="4", chances=(TokenChance("4", float("-inf"), None),)),)
    answer = running.client.chat.completions.create(model=BASE, messages=ASK, logprobs=True)
    assert answer.choices[0].logprobs and answer.choices[0].logprobs.content
    assert answer.choices[0].logprobs.content[0].logprob == -9999.0
    assert answer.choices[0].logprobs.content[0].bytes is None
