"""Chat completions on the wire, as the official client sees them."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pydantic
import pytest

from luthier.answering import Delta, Form
from server.conftest import BASE, RunningServer
from server.scripted_inference import ScriptedInference

ASK: list[Any] = [{"role": "user", "content": "2 + 2?"}]
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


def refusal_of(running: RunningServer, **asked: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        running.client.chat.completions.create(**({"model": BASE, "messages": ASK} | asked))
    return caught.value


def test_an_answer_has_all_that_the_contract_lists(running: RunningServer):
    answer = running.client.chat.completions.create(model=BASE, messages=ASK, n=2)

    assert answer.id.startswith("chatcmpl-")
    assert answer.model == BASE
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert answer.choices[1].message.content == "Hello world"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage and answer.usage.total_tokens == 9
    assert answer.usage.prompt_tokens_details and answer.usage.prompt_tokens_details.cached_tokens == 3
    assert answer.system_fingerprint == "fp_scripted"


def test_everything_that_was_asked_reaches_the_model(running: RunningServer, told: ScriptedInference):
    running.client.chat.completions.create(
        model=BASE,
        messages=ASK,
        max_completion_tokens=5,
        max_tokens=9,
        temperature=0,
        top_p=0.5,
        seed=7,
        stop="END",
        presence_penalty=1,
        frequency_penalty=-1,
        logit_bias={"5": -100},
        logprobs=True,
        top_logprobs=3,
        tools=[WEATHER],
        tool_choice="none",
        parallel_tool_calls=False,
        response_format={"type": "json_object"},
        extra_body={"a_field_of_next_year": 1},
    )

    (asked,) = told.asked
    sampling = asked.sampling
    assert (sampling.max_tokens, sampling.temperature, sampling.top_p, sampling.seed) == (5, 0, 0.5, 7)
    assert (sampling.stop, sampling.presence_penalty, sampling.frequency_penalty) == (("END",), 1, -1)
    assert (sampling.logit_bias, sampling.top_logprobs) == ({5: -100}, 3)
    assert (asked.tool_choice, asked.parallel_tool_calls, asked.form) == ("none", False, Form(None))
    assert asked.model.path == "starter" and asked.deadline_seconds == 600


def test_fields_that_change_nothing_here_are_accepted(running: RunningServer):
    answer = running.client.chat.completions.create(
        model=BASE,
        messages=ASK,
        user="u",
        safety_identifier="s",
        prompt_cache_key="k",
        prompt_cache_retention="24h",
        service_tier="auto",
        reasoning_effort="low",
        verbosity="low",
        prediction={"type": "content", "content": "4"},
        modalities=["text"],
        web_search_options={},
        stream_options=None,
        extra_body={"prompt_cache_options": {"a": 1}, "moderation": {"model": "m"}},
    )
    chunks = running.client.chat.completions.create(
        model=BASE, messages=ASK, stream=True, stream_options={"include_obfuscation": False}
    )

    assert answer.choices[0].message.content == "Hello world" and len(list(chunks)) == 4


def test_the_client_that_awaits_is_answered_alike(running: RunningServer):
    async def ask() -> tuple[str | None, str, list[str]]:
        async with openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key=running.client.api_key) as client:
            whole = await client.chat.completions.create(model=BASE, messages=ASK)
            stream = await client.chat.completions.create(model=BASE, messages=ASK, stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
            return whole.choices[0].message.content, "".join(pieces), [model.id async for model in client.models.list()]

    whole, streamed, models = asyncio.run(ask())

    assert whole == streamed == "Hello world" and BASE in models


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "boss", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages[0].content",
        ),
        ({"temperature": 2.1}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": "many"}, "max_completion_tokens"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": ""}, "stop"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"logit_bias": {"x": 1}}, "logit_bias"),
        ({"logit_bias": {"1": 101}}, "logit_bias"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "other"}}}, "tool_choice"),
        ({"tools": [WEATHER] * 2}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": f"f{n}"}} for n in range(129)]}, "tools"),
        ({"tool_choice": "required", "tools": []}, "tool_choice"),
        ({"frequency_penalty": -2.1}, "frequency_penalty"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x" * 65}}},
            "response_format.json_schema.name",
        ),
        ({"tools": [{"type": "function", "function": {"name": "no blanks"}}]}, "tools[0].function.name"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"metadata": {"k": "v" * 513}}, "metadata"),
        ({"modalities": ["audio"]}, "modalities"),
    ],
)
def test_what_is_out_of_range_is_a_400_that_names_the_field(running: RunningServer, asked: dict[str, Any], param: str):
    refusal = refusal_of(running, **asked)
    assert (refusal.status_code, refusal.type, refusal.param) == (400, "invalid_request_error", param)


def test_a_field_that_is_missing_is_named(running: RunningServer):
    with pytest.raises(openai.BadRequestError) as caught:
        running.client.post("/chat/completions", body={"messages": ASK}, cast_to=object)
    assert caught.value.param == "model"


def test_an_unknown_model_is_a_404(running: RunningServer):
    refusal = refusal_of(running, model="gpt-17")
    assert (refusal.status_code, refusal.code) == (404, "model_not_found")


def test_a_pydantic_class_becomes_a_schema_and_comes_back_as_an_object(running: RunningServer, told: ScriptedInference):
    class Sum(pydantic.BaseModel):
        result: int

    told.pieces = (Delta(text='{"result":4}'),)
    answer = running.client.chat.completions.parse(model=BASE, messages=ASK, response_format=Sum)

    assert answer.choices[0].message.parsed == Sum(result=4)
    form = told.asked[0].form
    assert form is not None and form.schema is not None and form.schema["required"] == ["result"]


def test_the_stream_helper_raises_when_the_answer_was_cut(running: RunningServer, told: ScriptedInference):
    told.pieces, told.finish = (Delta(text='{"result":'),), "length"

    class Sum(pydantic.BaseModel):
        result: int

    with (
        pytest.raises(openai.LengthFinishReasonError),
        running.client.chat.completions.stream(model=BASE, messages=ASK, response_format=Sum) as stream,
    ):
        list(stream)


def test_a_key_without_the_scope_is_refused(running: RunningServer):
    with pytest.raises(openai.PermissionDeniedError):
        running.new_client(scopes=("files",)).chat.completions.create(model=BASE, messages=ASK)
