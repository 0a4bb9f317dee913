"""vLLM behind our server's door, played by a fake that answers in its shapes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from luthier.answering import AnswerRequest, AskedModel, Delta, Form, Sampling, Usage
from luthier.errors import DataError, LuthierError, ModelError, NotAnswered, PromptTooLong, TooBusy
from luthier.remote.vllm import VllmInference
from remote.vllm.fake_vllm import HELLO, FakeVllm, chunk, fake_vllm

BASE = AskedModel("gpt-4o-mini", "gpt-4o-mini", "/models/tiny")
TUNED = AskedModel("ft:x", "gpt-4o-mini", "/models/tiny", "models/ftjob-1/final")
ASK = ({"role": "user", "content": "hi"},)


@pytest.fixture
def fake() -> Iterator[FakeVllm]:
    with fake_vllm() as running:
        yield running


def answers(fake: FakeVllm, *requests: AnswerRequest) -> list[list[Delta]]:
    """All requests at once, through one inference."""

    async def one(inference: VllmInference, request: AnswerRequest) -> list[Delta]:
        return [delta async for delta in inference.answer(request)]

    async def all_of_them() -> list[list[Delta]]:
        inference = VllmInference(fake.url, lambda key: Path("/blobs") / key)
        try:
            return await asyncio.gather(*(one(inference, request) for request in requests))
        finally:
            await inference.close()

    return asyncio.run(all_of_them())


def asked(fake: FakeVllm, path: str = "/v1/chat/completions") -> dict[str, Any]:
    return next(body for found, body in fake.asked if found == path)


def test_a_stream_becomes_pieces_with_the_usage_last(fake: FakeVllm):
    (deltas,) = answers(fake, AnswerRequest(BASE, ASK))
    assert "".join(delta.text for delta in deltas) == "Hello"
    assert [delta.finish for delta in deltas if delta.finish] == ["stop"]
    assert deltas[-1].usage == Usage(5, 2, 4)


def test_a_base_is_found_by_the_folder_that_vllm_serves(fake: FakeVllm):
    answers(fake, AnswerRequest(BASE, ASK))
    assert asked(fake)["model"] == "tiny"
    with pytest.raises(ModelError, match="serves tiny"):
        answers(fake, AnswerRequest(AskedModel("other", "other", "/models/other"), ASK))


def test_everything_that_was_asked_is_passed_on(fake: FakeVllm):
    tool = {"type": "function", "function": {"name": "look", "parameters": {}}}
    sampling = Sampling(
        max_tokens=5, temperature=0, top_p=0.5, seed=7, stop=("END",), logit_bias={5: -1}, top_logprobs=2
    )
    answers(
        fake,
        AnswerRequest(
            BASE, ASK, tools=(tool,), tool_choice="look", form=Form({"type": "object"}), sampling=sampling, choices=2
        ),
    )
    body = asked(fake)
    assert (body["n"], body["max_tokens"], body["seed"], body["stop"]) == (2, 5, 7, ["END"])
    assert (body["logit_bias"], body["logprobs"], body["top_logprobs"]) == ({"5": -1}, True, 2)
    assert body["tool_choice"] == {"type": "function", "function": {"name": "look"}}
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_an_adapter_is_loaded_once_however_many_ask(fake: FakeVllm):
    found = answers(fake, *[AnswerRequest(TUNED, ASK)] * 5)
    assert fake.adapters == {"models/ftjob-1/final": "/blobs/models/ftjob-1/final"}
    assert fake.loads == 1
    assert all("".join(delta.text for delta in deltas) == "Hello" for deltas in found)


def test_an_adapter_that_vllm_lost_is_loaded_again(fake: FakeVllm):
    async def twice() -> str:
        inference = VllmInference(fake.url, Path)
        texts = []
        for _ in range(2):
            texts.append("".join([delta.text async for delta in inference.answer(AnswerRequest(TUNED, ASK))]))
            fake.adapters.clear()  # vLLM was started again
        await inference.close()
        return " ".join(texts)

    assert asyncio.run(twice()) == "Hello Hello"
    assert fake.loads == 2


def test_a_whole_tuned_model_is_refused_with_a_way_out(fake: FakeVllm):
    whole = AskedModel("ft:x", "gpt-4o-mini", "/models/tiny", "models/1", "model")
    with pytest.raises(ModelError) as caught:
        answers(fake, AnswerRequest(whole, ASK))
    assert "embedded" in caught.value.fix


def test_calls_and_chances_keep_their_shape(fake: FakeVllm):
    logprob = {"token": "4", "logprob": -0.1, "bytes": [52], "top_logprobs": [{"token": "4", "logprob": -0.1}]}
    fake.events = [
        chunk({"content": "4"}, logprobs={"content": [logprob]}),
        chunk({"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "look", "arguments": ""}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}, "tool_calls"),
    ]
    (deltas,) = answers(fake, AnswerRequest(BASE, ASK))
    assert deltas[0].chances[0].bytes == b"4" and deltas[0].chances[0].top[0].text == "4"
    assert (deltas[1].tools[0].name, deltas[2].tools[0].arguments, deltas[2].finish) == ("look", "{}", "tool_calls")


def test_a_judged_text_is_told_apart_from_what_was_written(fake: FakeVllm):
    fake.whole = {
        "choices": [
            {
                "index": 0,
                "text": "Hi you!",
                "finish_reason": "length",
                "logprobs": {
                    "tokens": ["Hi", " you", "!"],
                    "token_logprobs": [None, -1.0, -0.5],
                    "text_offset": [0, 2, 6],
                    "top_logprobs": [None, {" you": -1.0}, {"!": -0.5}],
                },
            }
        ],
        "usage": {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3},
    }
    request = AnswerRequest(BASE, text="Hi you", echo=True, sampling=Sampling(max_tokens=1, top_logprobs=1))
    (deltas,) = answers(fake, request)
    assert deltas[0].prompt_text == "Hi you" and deltas[0].text == "!"
    assert [chance.logprob for chance in deltas[0].prompt_chances] == [None, -1.0]
    assert [chance.text for chance in deltas[0].chances] == ["!"]
    assert asked(fake, "/v1/completions")["echo"] is True


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        ((400, {"error": {"message": "This model's maximum context length is 64 tokens."}}), PromptTooLong),
        ((400, {"error": {"message": "bad grammar"}}), DataError),
        ((400, {"object": "error", "message": "an older shape"}), DataError),
        ((429, {"error": {"message": "slow down"}}), TooBusy),
        ((503, {"error": {"message": "loading"}}), TooBusy),
        ((500, {"error": {"message": "out of memory"}}), NotAnswered),
    ],
)
def test_a_refusal_means_what_it_means_with_us(fake: FakeVllm, refusal: Any, kind: type[LuthierError]):
    fake.refusal = refusal
    with pytest.raises(kind):
        answers(fake, AnswerRequest(BASE, ASK))


def test_an_error_inside_the_stream_is_one_with_us_too(fake: FakeVllm):
    fake.events = [*HELLO[:2], {"error": {"message": "engine died", "code": 500}}]
    with pytest.raises(NotAnswered, match="engine died"):
        answers(fake, AnswerRequest(BASE, ASK))


def test_a_vllm_that_is_not_there_is_said_to_be_so():
    gone = FakeVllm(url="http://127.0.0.1:9")
    assert not VllmInference(gone.url, Path).is_ready()
    with pytest.raises(NotAnswered, match="does not answer"):
        answers(gone, AnswerRequest(BASE, ASK))


def test_leaving_an_answer_hangs_up_on_vllm(fake: FakeVllm):
    fake.events, fake.pause_seconds = [chunk({"content": "on "})] * 500, 0.01

    async def leave() -> None:
        inference = VllmInference(fake.url, Path)
        source = inference.answer(AnswerRequest(BASE, ASK))
        await anext(source)
        await source.aclose()
        await inference.close()

    asyncio.run(leave())
    until = time.monotonic() + 5
    while not fake.broken_off and time.monotonic() < until:
        time.sleep(0.01)
    assert fake.broken_off == 1


def test_an_adapter_is_unloaded_when_its_model_is_deleted(fake: FakeVllm):
    async def load_and_close() -> None:
        inference = VllmInference(fake.url, Path)
        await inference.open_adapter("a/b")
        await inference.close_adapter("a/b")
        await inference.close_adapter("never/there")
        await inference.close()

    asyncio.run(load_and_close())
    assert fake.adapters == {} and fake.loads == 1
