"""Responses on the wire, as the official client sees them."""

from __future__ import annotations

from typing import Any

import openai
import pydantic
import pytest

from luthier.answering import CalledTool, Delta, TokenChance
from luthier.errors import NotAnswered
from server.conftest import BASE, RunningServer
from server.scripted_inference import ScriptedInference

TOOL: Any = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}, "strict": True}
CALL = (Delta(tools=(CalledTool(0, id="call_1", name="get_weather"),)), Delta(tools=(CalledTool(0, "{}"),)))


def test_a_text_is_answered_with_a_text(running: RunningServer, told: ScriptedInference):
    response = running.client.responses.create(
        model=BASE, input="2 + 2?", instructions="Be brief.", max_output_tokens=16, temperature=0, metadata={"a": "b"}
    )

    assert response.id.startswith("resp_") and response.status == "completed"
    assert response.output_text == "Hello world"
    assert response.usage and (response.usage.input_tokens_details.cached_tokens, response.usage.total_tokens) == (3, 9)
    assert (response.metadata, response.instructions) == ({"a": "b"}, "Be brief.")
    assert told.asked[0].messages == ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"})
    assert told.asked[0].sampling.max_tokens == 16


def test_an_answer_that_was_cut_is_incomplete(running: RunningServer, told: ScriptedInference):
    told.finish = "length"
    response = running.client.responses.create(model=BASE, input="x")
    assert response.status == "incomplete" and response.incomplete_details
    assert response.incomplete_details.reason == "max_output_tokens"


def test_messages_calls_and_outputs_become_turns(running: RunningServer, told: ScriptedInference):
    items: Any = [
        {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
        {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call", "call_id": "call_2", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "rain"},
    ]
    running.client.responses.create(model=BASE, input=items, tools=[TOOL])

    assert told.asked[0].messages is not None
    user, calls, output = told.asked[0].messages
    assert user["content"] == "Weather?"
    assert [call["id"] for call in calls["tool_calls"]] == ["call_1", "call_2"]
    assert output == {"role": "tool", "tool_call_id": "call_1", "content": "rain"}


def test_a_call_is_an_item_of_its_own(running: RunningServer, told: ScriptedInference):
    told.pieces, told.finish = CALL, "tool_calls"
    response = running.client.responses.create(model=BASE, input="x", tools=[TOOL], tool_choice="required")

    (item,) = response.output
    assert item.type == "function_call" and (item.call_id, item.name, item.arguments) == ("call_1", "get_weather", "{}")
    assert item.id and item.id.startswith("fc_")


def test_a_stream_has_every_event_with_a_rising_number(running: RunningServer):
    events = list(running.client.responses.create(model=BASE, input="x", stream=True))

    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type.removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert events[-1].type == "response.completed" and events[-1].response.output_text == "Hello world"


def test_a_streamed_call_has_its_own_events(running: RunningServer, told: ScriptedInference):
    told.pieces, told.finish = CALL, "tool_calls"
    with running.client.responses.stream(model=BASE, input="x", tools=[TOOL]) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()

    assert "response.function_call_arguments.delta" in kinds and "response.function_call_arguments.done" in kinds
    assert [item.type for item in final.output] == ["function_call"]


def test_a_stream_that_breaks_off_says_so_as_its_last_event(running: RunningServer, told: ScriptedInference):
    told.accident = NotAnswered("the machine broke", expected="a machine", fix="send it again")
    events = list(running.client.responses.create(model=BASE, input="x", stream=True))
    assert events[-1].type == "response.failed"
    assert events[-1].response.error and "machine broke" in events[-1].response.error.message


def test_a_format_is_parsed_back(running: RunningServer, told: ScriptedInference):
    class Sum(pydantic.BaseModel):
        result: int

    told.pieces = (Delta(text='{"result":4}'),)
    assert running.client.responses.parse(model=BASE, input="x", text_format=Sum).output_parsed == Sum(result=4)
    assert told.asked[0].form and told.asked[0].form.schema


def test_log_probabilities_come_where_they_are_included(running: RunningServer, told: ScriptedInference):
    told.pieces = (Delta(text="4", chances=(TokenChance("4", -0.1, b"4"),)),)
    response = running.client.responses.create(model=BASE, input="x", include=["message.output_text.logprobs"])
    (item,) = response.output
    assert item.type == "message" and item.content[0].type == "output_text" and item.content[0].logprobs
    assert item.content[0].logprobs[0].bytes == [52]


def test_a_conversation_goes_on_from_the_id_of_its_last_response(running: RunningServer, told: ScriptedInference):
    client = running.client
    first = client.responses.create(model=BASE, input="one", instructions="only once")
    second = client.responses.create(model=BASE, input="two", previous_response_id=first.id)
    client.responses.create(model=BASE, input="three", previous_response_id=second.id)

    assert told.asked[2].messages is not None
    assert [turn["content"] for turn in told.asked[2].messages] == ["one", "Hello world", "two", "Hello world", "three"]
    with pytest.raises(openai.BadRequestError, match="not found"):
        client.responses.create(model=BASE, input="x", previous_response_id="resp_none")


def test_a_response_is_kept_read_and_deleted_unless_told_otherwise(running: RunningServer):
    client = running.client
    response = client.responses.create(model=BASE, input="one")
    lost = client.responses.create(model=BASE, input="one", store=False)

    assert client.responses.retrieve(response.id).output_text == "Hello world"
    (item,) = client.responses.input_items.list(response.id)
    assert item.type == "message" and item.id
    foreign = running.new_client(running.new_project().id)
    for asker, id in ((client, lost.id), (foreign, response.id)):
        with pytest.raises(openai.NotFoundError):
            asker.responses.retrieve(id)
    client.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"max_output_tokens": 15}, "max_output_tokens"),
        ({"input": [{"role": "boss", "content": "x"}]}, "input[0].role"),
        ({"input": [{"type": "computer_call"}]}, "input[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}, "input[0].content"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"text": {"format": {"type": "json_schema", "name": "no blanks", "schema": {}}}}, "text.format.name"),
        ({"background": True}, "background"),
        ({"temperature": 3}, "temperature"),
    ],
)
def test_what_cannot_be_is_a_400_that_names_the_field(running: RunningServer, asked: Any, param: str):
    with pytest.raises(openai.BadRequestError) as caught:
        running.client.responses.create(**({"model": BASE, "input": "x"} | asked))
    assert caught.value.param == param
