"""What becomes of a request whose model fails, whose client leaves, whose key has spent its tokens."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import openai
import pytest

from luthier.answering import Delta
from luthier.errors import NotAnswered, PromptTooLong, TooBusy
from server.conftest import BASE, RunningServer
from server.scripted_inference import ScriptedInference, wait_until

ASK: list[Any] = [{"role": "user", "content": "2 + 2?"}]


def refusal_of(running: RunningServer, **asked: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        running.client.chat.completions.create(**({"model": BASE, "messages": ASK} | asked))
    return caught.value


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_known_before_the_first_token_is_a_status_also_of_a_stream(
    running: RunningServer, told: ScriptedInference, stream: bool
):
    told.refusal = PromptTooLong("the prompt has 9,000 tokens", expected="at most 2,048", fix="shorten it")
    refusal = refusal_of(running, stream=stream)
    assert (refusal.status_code, refusal.code) == (400, "context_length_exceeded")


def test_a_full_queue_is_an_honest_429(running: RunningServer, told: ScriptedInference):
    told.refusal = TooBusy("256 requests wait already", 3.0)
    refusal = refusal_of(running)
    assert refusal.status_code == 429 and refusal.response.headers["retry-after"] == "3"


def test_an_error_after_the_first_token_is_raised_out_of_the_stream(running: RunningServer, told: ScriptedInference):
    told.accident = NotAnswered("the machine broke", expected="a machine", fix="send it again")
    with pytest.raises(openai.APIError, match="the machine broke"):
        list(running.client.chat.completions.create(model=BASE, messages=ASK, stream=True))


def test_our_own_mistake_tells_nothing_and_leaves_the_server_healthy(running: RunningServer, told: ScriptedInference):
    told.refusal = RuntimeError("/secret/path")
    refusal = refusal_of(running)
    assert refusal.status_code == 500 and "secret" not in str(refusal)
    told.refusal = None
    assert running.client.chat.completions.create(model=BASE, messages=ASK).choices[0].message.content


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_ends_the_work(running: RunningServer, told: ScriptedInference, stream: bool):
    told.pieces, told.pause_seconds = (Delta(text="on "),) * 1000, 0.05
    host, _, port = running.url.removeprefix("http://").partition(":")
    body = json.dumps({"model": BASE, "messages": ASK, "stream": stream}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {running.client.api_key}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + body)
        assert wait_until(lambda: told.asked)
        if stream:
            connection.recv(100)

    assert wait_until(lambda: told.closed == 1)
    assert told.ended == 0


def test_tokens_are_counted_against_the_keys_limit(running: RunningServer):
    client = running.new_client(limits={"tokens_per_minute": 5})
    client.chat.completions.create(model=BASE, messages=ASK)
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model=BASE, messages=ASK)


def test_a_server_that_only_trains_says_so(start: Callable[..., RunningServer]):
    assert "answers nothing" in str(refusal_of(start()))
