"""Rows with prompt and answer in columns."""

from __future__ import annotations

import pytest

from luthier.data.column_layouts import parse_alpaca, parse_columns, parse_prompt_completion
from luthier.data.rows import RowRefused
from luthier.recipe import Columns


def texts(conversation):
    return [(message.role, message.content) for message in conversation.messages]


def test_prompt_and_completion_become_two_turns():
    row = {"prompt": "2+2", "completion": 4, "id": 9}

    conversation = parse_prompt_completion(row)

    assert texts(conversation) == [("user", "2+2"), ("assistant", "4")]
    assert conversation.notes == ("'id' is not used",)


def test_an_alpaca_input_stands_below_its_instruction():
    with_input = parse_alpaca({"instruction": "Add.", "input": "1 and 2", "output": "3"})
    without = parse_alpaca({"instruction": "Sing.", "input": "", "response": "la"})

    assert texts(with_input) == [("user", "Add.\n\n1 and 2"), ("assistant", "3")]
    assert texts(without) == [("user", "Sing."), ("assistant", "la")]


def test_mapped_columns_are_read_and_others_left_alone():
    columns = Columns(prompt="text", completion="fields", system="about")
    row = {"text": "In Rome.", "fields": {"city": "Rome"}, "about": "Extract.", "split": "train"}

    conversation = parse_columns(row, columns)

    assert texts(conversation) == [("system", "Extract."), ("user", "In Rome."), ("assistant", '{"city": "Rome"}')]
    assert conversation.notes == ()


def test_a_row_whose_system_cell_is_empty_has_no_system_turn():
    columns = Columns(prompt="text", completion="label", system="about")

    assert texts(parse_columns({"text": "a", "label": "b", "about": ""}, columns)) == [
        ("user", "a"),
        ("assistant", "b"),
    ]


@pytest.mark.parametrize(
    "turns",
    [
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
        [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}],
        '[{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]',
    ],
)
def test_a_messages_column_may_hold_either_conversation_layout(turns):
    conversation = parse_columns({"dialog": turns}, Columns(messages="dialog"))

    assert texts(conversation) == [("user", "a"), ("assistant", "b")]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"prompt": "a"}, "no 'completion'"),
        ({"prompt": "a", "completion": None}, "'completion' is empty"),
        ({"prompt": " ", "completion": "b"}, "'prompt' is empty"),
        ({"prompt": [{"role": "user", "content": "a"}], "completion": "b"}, "list of turns"),
    ],
)
def test_missing_and_empty_cells_are_refused(row, found):
    with pytest.raises(RowRefused) as caught:
        parse_prompt_completion(row)

    assert found in caught.value.found
