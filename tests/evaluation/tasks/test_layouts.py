"""Rows of other harnesses become items."""

import pytest

from luthier.errors import DataError
from luthier.evaluation.tasks.layouts import as_items, layout_of
from luthier.examples import Message


def only(row, layout="auto"):
    (item,) = as_items([row], layout, "items.jsonl")
    return item


def test_items_of_openais_evals_are_what_stands_in_item():
    item = only({"item": {"country": "France", "capital": "Paris"}})
    assert item.fields == {"country": "France", "capital": "Paris"}
    assert item.messages == ()


def test_older_evals_bring_their_turns_and_any_ideal_answer():
    row = {"input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}]}
    item = only({**row, "ideal": ["4", "four"]})
    assert [turn.role for turn in item.messages] == ["system", "user"]
    assert item.targets == ("4", "four")


def test_inspects_rows_bring_choices_id_and_metadata():
    item = only({"id": 7, "input": "Which?", "target": "B", "choices": ["x", "y"], "metadata": {"topic": "z"}})
    assert (item.id, item.targets, item.choices, item.metadata) == ("7", ("B",), ("x", "y"), {"topic": "z"})
    assert item.messages == (Message("user", "Which?"),)


def test_chat_rows_are_judged_by_their_last_answer():
    item = only({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]})
    assert (item.messages, item.target) == ((Message("user", "hi"),), "hello")


@pytest.mark.parametrize(
    ("row", "layout"),
    [
        ({"item": {}}, "openai-evals"),
        ({"input": "a", "ideal": "b"}, "openai-evals"),
        ({"input": "a", "target": "b"}, "inspect"),
        ({"messages": []}, "chat"),
        ({"question": "a", "answer": "b"}, "rows"),
    ],
)
def test_layouts_are_told_apart_by_their_keys(row, layout):
    assert layout_of(row) == layout


def test_a_grader_finds_the_target_beside_the_rows_own_fields():
    item = only({"input": "a", "ideal": "b"})
    assert item.for_graders() == {"input": "a", "ideal": "b", "target": "b", "targets": ["b"], "choices": []}


def test_a_picture_is_refused_with_its_place():
    turn = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    with pytest.raises(DataError, match=r"items.jsonl, item 1: a turn that cannot be asked"):
        only({"messages": [turn]})


def test_two_items_with_one_id_are_refused():
    with pytest.raises(DataError, match="two items have the id 'a'"):
        as_items([{"id": "a"}, {"id": "a"}], "rows", "items.jsonl")


def test_a_row_of_another_layout_is_refused():
    with pytest.raises(DataError, match="item 2"):
        as_items([{"input": "a", "ideal": "b"}, {"question": "c"}], "auto", "items.jsonl")
