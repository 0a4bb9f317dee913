"""ShareGPT rows, with tools as their users write them."""

from __future__ import annotations

import json

import pytest

from luthier.data.conversation import check_conversation
from luthier.data.rows import RowRefused
from luthier.data.sharegpt_layout import parse_sharegpt


def share(*turns, **row):
    return parse_sharegpt({"conversations": [{"from": who, "value": value} for who, value in turns], **row})


def test_speakers_become_roles():
    conversation = share(("system", "Be kind."), ("human", "hello"), ("gpt", "hi"))

    assert [message.role for message in conversation.messages] == ["system", "user", "assistant"]


def test_a_system_text_beside_the_turns_comes_first():
    assert share(("human", "a"), ("gpt", "b"), system="Be kind.").messages[0].content == "Be kind."


def test_a_call_and_its_observation_become_a_tool_call_and_its_answer():
    conversation = share(
        ("human", "Find a recipe with rice."),
        ("function_call", '{"name": "search", "arguments": {"with": ["rice"]}}'),
        ("observation", '{"recipes": ["risotto"]}'),
        ("gpt", "How about risotto?"),
        tools=json.dumps([{"name": "search", "parameters": {"type": "object"}}]),
    )

    check_conversation(conversation.messages)
    asked, told = conversation.messages[1:3]
    assert asked.tool_calls[0]["function"] == {"name": "search", "arguments": '{"with": ["rice"]}'}
    assert told.tool_call_id == asked.tool_calls[0]["id"]
    assert conversation.tools[0]["function"]["name"] == "search"


def test_several_calls_in_one_turn_have_ids_of_their_own():
    calls = json.dumps([{"name": "f", "arguments": {}}, {"name": "g", "arguments": {}}])

    conversation = share(("human", "a"), ("function_call", calls), ("observation", "x"), ("gpt", "b"))

    assert len({call["id"] for call in conversation.messages[1].tool_calls}) == 2
    assert conversation.messages[2].tool_call_id is None
    check_conversation(conversation.messages)


@pytest.mark.parametrize(
    ("who", "value", "found"),
    [
        ("humen", "a", "unknown speaker 'humen'"),
        (None, "a", "unknown speaker None"),
        ("function_call", "search(rice)", "invalid JSON"),
        ("function_call", "[]", "without a call"),
        ("function_call", '{"arguments": {}}', "has no 'name'"),
        ("human", 3, "content is of type int"),
    ],
)
def test_a_wrong_turn_is_refused(who, value, found):
    with pytest.raises(RowRefused) as caught:
        share((who, value))

    assert found in caught.value.found


def test_weights_are_kept_and_checked():
    turns = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b", "weight": 0}]

    assert parse_sharegpt({"conversations": turns}).messages[1].weight == 0
    with pytest.raises(RowRefused, match="weight is 2"):
        parse_sharegpt({"conversations": [{"from": "gpt", "value": "b", "weight": 2}]})
