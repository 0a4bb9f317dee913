"""Tools and calls on the wire, as the official client sees them."""

from __future__ import annotations

from typing import Any

import pytest

from luthier.answering import CalledTool, Delta
from server.conftest import BASE, RunningServer
from server.scripted_inference import ScriptedInference

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
