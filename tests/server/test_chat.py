"""Chat completions on the wire, as the official client sees them."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import openai
import pydantic
import pytest

from luthier.answering import CalledTool, Delta, Form, TokenChance
from luthier.errors import NotAnswered, PromptTooLong, TooBusy
from server.conftest import BASE, RunningServer
from server.scripted_inference import ScriptedInference, wait_until

ASK: list[Any] = [{"role": "user", "content": "2 + 2?"}]
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
CALL = (
    Delta(tools=(CalledTool(0, id="call_1", name="get_weather"),)),
    Delta(tools=(CalledTool(0, '{"city":'),)),
    Delta(tools=(CalledTool(0, '"Oslo"}'),)),
)


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


def test_everything_that_was_asked_reaches_the_model(running: RunningServer, told: ScriptedInference):
    running.client.chat.completions.create(
        model=BASE, messages=ASK, max_completion_tokens=5, max_tokens=9, temperature=0, top_p=0.5, seed=7, stop="END",
        presence_penalty=1, frequency_penalty=-1, logit_bias={"5": -100}, logprobs=True, top_logprobs=3,
        tools=[WEATHER], tool_choice="none", parallel_tool_calls=False, response_format={"type": "json_object"},
        extra_body={"a_field_of_next_year": 1},
    )

    (asked,) = told.asked
    sampling = asked.sampling
    assert (sampling.max_tokens, sampling.temperature, sampling.top_p, sampling.seed) == (5, 0, 0.5, 7)
    assert (sampling.stop, sampling.presence_penalty, sampling.frequency_penalty) == (("END",), 1, -1)
    assert (sampling.logit_bias, sampling.top_logprobs) == ({5: -100}, 3)
    assert (asked.tool_choice, asked.parallel_tool_calls, asked.form) == ("none", False, Form(None))
    assert asked.model.path == "starter" and asked.deadline_seconds == 600


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "boss", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
         "messages[0].content"),
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


def test_a_probability_of_nothing_is_a_number_that_json_has(running: RunningServer, told: ScriptedInference):
    told.pieces = (Delta(text="4", chances=(TokenChance("4", float("-inf"), None),)),)
    answer = running.client.chat.completions.create(model=BASE, messages=ASK, logprobs=True)
    assert answer.choices[0].logprobs and answer.choices[0].logprobs.content
    assert answer.choices[0].logprobs.content[0].logprob == -9999.0
    assert answer.choices[0].logprobs.content[0].bytes is None


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ("auto", "tool_calls"),
        ("required", "tool_calls"),
        ({"type": "function", "function": {"name": "get_weather"}}, "stop"),
    ],
)
def test_a_call_says_why_it_ended_as_the_platform_does(
    running: RunningServer, told: ScriptedInference, choice: Any, reason: str
):
    told.pieces, told.finish = CALL, "tool_calls"
    answer = running.client.chat.completions.create(model=BASE, messages=ASK, tools=[WEATHER], tool_choice=choice)

    assert answer.choices[0].finish_reason == reason
    assert answer.choices[0].message.content is None
    assert answer.choices[0].message.tool_calls
    (call,) = answer.choices[0].message.tool_calls
    assert (call.id, call.type, call.function.name) == ("call_1", "function", "get_weather")
    assert call.function.arguments == '{"city":"Oslo"}'
    assert told.asked[0].tool_choice == (choice if isinstance(choice, str) else "get_weather")


def test_a_streamed_call_is_named_first_and_then_grows(running: RunningServer, told: ScriptedInference):
    told.pieces, told.finish = CALL, "tool_calls"
    with running.client.chat.completions.stream(model=BASE, messages=ASK, tools=[WEATHER]) as stream:
        deltas = [event.chunk.choices[0].delta for event in stream if event.type == "chunk"]
        final = stream.get_final_completion()

    calls = [delta.tool_calls[0] for delta in deltas if delta.tool_calls]
    assert (calls[0].id, calls[0].function and calls[0].function.name) == ("call_1", "get_weather")
    assert all(call.id is None for call in calls[1:])
    assert final.choices[0].message.tool_calls and final.choices[0].message.tool_calls[0].function.arguments


def test_functions_in_their_old_form_are_answered_in_the_old_form(running: RunningServer, told: ScriptedInference):
    told.pieces, told.finish = CALL, "tool_calls"
    answer = running.client.chat.completions.create(model=BASE, messages=ASK, functions=[WEATHER["function"]])
    assert answer.choices[0].finish_reason == "function_call"
    assert answer.choices[0].message.function_call
    assert answer.choices[0].message.function_call.arguments == '{"city":"Oslo"}'


def test_a_conversation_with_calls_reaches_the_model_as_plain_turns(running: RunningServer, told: ScriptedInference):
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    messages: list[Any] = [
        {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]},
        *ASK,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
    ]
    running.client.chat.completions.create(model=BASE, messages=messages)

    assert told.asked[0].messages is not None
    first, _, turn, result = told.asked[0].messages
    assert first == {"role": "developer", "content": "Be brief."}
    assert turn["tool_calls"] == [call]
    assert result == {"role": "tool", "content": "rain", "tool_call_id": "call_1"}


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


def test_a_key_without_the_scope_is_refused(running: RunningServer):
    with pytest.raises(openai.PermissionDeniedError):
        running.new_client(scopes=("files",)).chat.completions.create(model=BASE, messages=ASK)


def test_a_server_that_only_trains_says_so(start: Callable[..., RunningServer]):
    assert "answers nothing" in str(refusal_of(start()))
