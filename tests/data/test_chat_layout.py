"""OpenAI's chat layout, as it is and as it was."""

from __future__ import annotations

import pytest

from luthier.data.chat_layout import parse_chat
from luthier.data.rows import RowRefused


def chat(*turns, **row):
    return parse_chat({"messages": list(turns), **row})


def user(content="hello"):
    return {"role": "user", "content": content}


def call(arguments='{"city": "Rome"}', **changes):
    return {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": arguments}, **changes}


def test_roles_weights_names_and_reasoning_are_kept():
    turns = [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "hello", "name": "ann"},
        {"role": "assistant", "content": "hi", "weight": 0},
        user(),
        {"role": "assistant", "content": "yes", "weight": 1, "reasoning_content": "hm"},
    ]

    messages = chat(*turns).messages

    assert [m.role for m in messages] == ["developer", "user", "assistant", "user", "assistant"]
    assert [m.weight for m in messages] == [1.0, 1.0, 0.0, 1.0, 1.0]
    assert messages[1].name == "ann"
    assert messages[4].reasoning == "hm"


def test_text_parts_are_joined():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]

    assert chat(user(parts)).messages[0].content == "ab"


def test_tool_calls_come_with_empty_content_and_arguments_as_json_text():
    conversation = chat(
        user(),
        {"role": "assistant", "content": None, "tool_calls": [call({"city": "Zürich"})]},
        {"role": "tool", "tool_call_id": "c1", "content": "warm"},
        tools=[{"type": "function", "function": {"name": "weather"}}],
    )

    assert conversation.messages[1].content == ""
    assert conversation.messages[1].tool_calls[0]["function"]["arguments"] == '{"city": "Zürich"}'
    assert conversation.messages[2].tool_call_id == "c1"
    assert conversation.tools == ({"type": "function", "function": {"name": "weather"}},)


def test_the_older_functions_become_tools_and_calls():
    conversation = chat(
        user(),
        {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{}"}},
        {"role": "function", "name": "weather", "content": "warm"},
        functions=[{"name": "weather", "parameters": {}}],
    )

    asked, told = conversation.messages[1:]
    assert conversation.tools[0] == {"type": "function", "function": {"name": "weather", "parameters": {}}}
    assert asked.tool_calls[0]["function"] == {"name": "weather", "arguments": "{}"}
    assert (told.role, told.tool_call_id) == ("tool", asked.tool_calls[0]["id"])


def test_keys_that_are_not_used_are_noted_and_empty_ones_are_not():
    turn = {"role": "assistant", "content": "x", "refusal": None, "annotations": [], "audio": {"id": 1}}

    conversation = chat(user(), turn, parallel_tool_calls=False)

    assert conversation.notes == ("'parallel_tool_calls' is not used", "'audio' of a turn is not used")


def test_messages_may_be_json_text_as_tables_hold_them():
    assert parse_chat({"messages": '[{"role": "user", "content": "a"}]'}).messages[0].content == "a"


def test_nulls_that_tables_fill_in_count_as_absent():
    turn = {"role": "user", "content": "a", "tool_calls": None, "weight": None, "name": None, "tool_call_id": None}

    assert chat(turn).messages[0].as_json() == user("a")


@pytest.mark.parametrize(
    ("turn", "found", "fix"),
    [
        ({"role": "human", "content": "a"}, "unknown role 'human'", "'user'"),
        ({"role": "asistant", "content": "a"}, "unknown role", "'assistant'"),
        ({"content": "a"}, "has no 'role'", "who speaks"),
        ({"role": ["user"], "content": "a"}, "unknown role", ""),
        ({"role": "user", "content": 3}, "content is of type int", "string"),
        ({"role": "user", "content": {"a": 1}}, "content is of type dict", "string"),
        ({"role": "user", "content": [{"type": "image_url"}]}, "part of type 'image_url'", "text alone"),
        ({"role": "assistant", "content": "a", "weight": 0.5}, "weight is 0.5", "0 or 1"),
        ({"role": "assistant", "content": "a", "weight": True}, "weight is True", "0 or 1"),
        ({"role": "assistant", "content": "a", "weight": "1"}, "weight is '1'", "0 or 1"),
        ({"role": "user", "content": "a", "weight": 1}, "weight 1 on a user turn", "take the weight out"),
        ({"role": "user", "content": "a", "tool_calls": [call()]}, "user turn with tool calls", "role"),
        ({"role": "assistant", "tool_calls": [call("{broken")]}, "invalid JSON", ""),
        ({"role": "assistant", "tool_calls": [call("[1]")]}, "no JSON object", "object"),
        ({"role": "assistant", "tool_calls": [{"id": "c1"}]}, "no function name", ""),
        ({"role": "assistant", "tool_calls": [call(type="custom")]}, "of type 'custom'", ""),
        ({"role": "assistant", "tool_calls": "x"}, "is no list", ""),
        ({"role": "user", "content": "a", "name": 7}, "'name' is of type int", "quotes"),
        ("hello", "is no object", ""),
    ],
)
def test_a_turn_that_is_wrong_is_refused_with_advice(turn, found, fix):
    with pytest.raises(RowRefused) as caught:
        chat(turn)

    assert found in caught.value.found
    assert fix in caught.value.fix


@pytest.mark.parametrize("row", [{}, {"messages": []}, {"messages": None}, {"messages": {"role": "user"}}])
def test_a_row_without_a_list_of_turns_is_refused(row):
    with pytest.raises(RowRefused, match="'messages'"):
        parse_chat(row)


@pytest.mark.parametrize(
    "tools", [{"name": "f"}, [{"type": "function"}], [1], [{"type": "web", "function": {"name": "a"}}]]
)
def test_tools_of_another_shape_are_refused(tools):
    with pytest.raises(RowRefused, match="tools"):
        chat(user(), tools=tools)
