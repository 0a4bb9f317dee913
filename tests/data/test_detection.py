"""The layout is found from the first rows, or the setting that would tell is named."""

from __future__ import annotations

import pytest

from luthier.data.detection import choose_layout, suggest_columns
from luthier.errors import DataError


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"messages": []}, "chat"),
        ({"conversations": [], "tools": "[]"}, "sharegpt"),
        ({"prompt": "a", "completion": "b"}, "prompt-completion"),
        ({"instruction": "a", "input": "", "output": "b"}, "alpaca"),
        ({"instruction": "a", "response": "b"}, "alpaca"),
    ],
)
def test_each_layout_is_known_by_its_keys(settings, row, name):
    assert choose_layout([row], settings(), "f")[0] == name


def test_one_odd_row_does_not_outvote_the_others(settings):
    rows = [{"text": "a"}, {"messages": []}, {"messages": []}, {"prompt": "a", "completion": "b"}]

    assert choose_layout(rows, settings(), "f")[0] == "chat"


def test_a_mapping_makes_a_table(settings):
    name, parse = choose_layout(
        [{"text": "a", "label": "b"}], settings(columns={"prompt": "text", "completion": "label"}), "f"
    )

    assert name == "table"
    assert parse({"text": "a", "label": "b"}).messages[1].content == "b"


def test_unknown_columns_are_named_with_the_settings_that_map_them(settings):
    with pytest.raises(DataError) as caught:
        choose_layout([{"text": "a", "label": "b"}], settings(), "rows.jsonl")

    assert "its columns are text, label" in caught.value.found
    assert caught.value.fix == "--set data.columns.prompt=text --set data.columns.completion=label"


def test_a_mapped_column_that_is_not_there_suggests_the_nearest(settings):
    with pytest.raises(DataError) as caught:
        choose_layout([{"text": "a", "label": "b"}], settings(columns={"prompt": "txt", "completion": "label"}), "f")

    assert "no column 'txt'; found text, label" in caught.value.found
    assert "'text'" in caught.value.fix


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": {"prompt": "text"}},
        {"format": "table"},
        {"columns": {"messages": "text", "prompt": "label"}},
        {"format": "chat", "columns": {"prompt": "text"}},
    ],
)
def test_half_a_mapping_or_two_are_refused(settings, changes):
    with pytest.raises(DataError):
        choose_layout([{"text": "a", "label": "b"}], settings(**changes), "f")


def test_columns_are_guessed_only_when_both_have_telling_names():
    assert suggest_columns(["id", "Text", "Label"]) == ("Text", "Label")
    assert suggest_columns(["input", "output"]) == ("input", "output")
    assert suggest_columns(["a", "b"]) is None


def test_preference_pairs_are_told_how_to_teach_their_chosen_answers(settings):
    with pytest.raises(DataError) as caught:
        choose_layout([{"prompt": "a", "chosen": "b", "rejected": "c"}], settings(), "f")

    assert "preference pairs" in caught.value.found
    assert caught.value.fix.endswith("--set data.columns.prompt=prompt --set data.columns.completion=chosen")
