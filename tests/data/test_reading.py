"""From a file to examples: nothing is lost without a word."""

from __future__ import annotations

import json

import pytest

from luthier.data import read_examples
from luthier.errors import DataError
from luthier.examples import Origin


def row(number: int) -> dict:
    turns = [{"role": "user", "content": f"q{number}"}, {"role": "assistant", "content": f"a{number}"}]
    return {"messages": turns}


def test_examples_know_their_file_and_line(write_file, settings):
    path = write_file("train.jsonl", [row(1), row(2)])

    rows = read_examples(path, settings())

    assert rows.format == "chat"
    assert [example.origin for example in rows.examples] == [Origin(str(path), 1), Origin(str(path), 2)]
    assert rows.examples[1].answer.content == "a2"


def test_a_bad_row_stops_with_its_line_and_how_many_follow(write_file, settings):
    rows = [row(number) for number in range(30)]
    rows[24] = {"messages": [{"role": "human", "content": "x"}]}
    rows[27] = {"messages": []}

    with pytest.raises(DataError) as caught:
        read_examples(write_file("train.jsonl", rows), settings())

    assert "train.jsonl, line 25: messages[0]: unknown role 'human'" in caught.value.found
    assert "1 more bad row in the first 1,000 lines" in caught.value.found
    assert "did you mean 'user'?" in caught.value.fix
    assert "data.on_bad_row=skip-and-report" in caught.value.fix


def test_bad_rows_are_collected_when_asked(write_file, settings):
    lines = [json.dumps(row(1)), "{broken", json.dumps({"messages": []}), json.dumps(row(4))]

    rows = read_examples(write_file("train.jsonl", "\n".join(lines)), settings(on_bad_row="skip-and-report"))

    assert len(rows.examples) == 2
    assert [bad.origin.line for bad in rows.bad_rows] == [2, 3]
    assert all(bad.found and bad.expected and bad.fix for bad in rows.bad_rows)


def test_a_file_of_bad_rows_alone_is_an_error_even_when_skipping(write_file, settings):
    path = write_file("train.jsonl", "{broken\n" * 50)

    with pytest.raises(DataError, match="no row can be used"):
        read_examples(path, settings(on_bad_row="skip-and-report"))


def test_a_pretty_printed_object_is_recognised(write_file, settings):
    with pytest.raises(DataError) as caught:
        read_examples(write_file("train.json", json.dumps(row(1), indent=2)), settings())

    assert "jq -c" in caught.value.fix


def test_weight_zero_everywhere_is_nothing_to_train(write_file, settings):
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0}]

    with pytest.raises(DataError, match="nothing to train"):
        read_examples(write_file("train.jsonl", [{"messages": turns}]), settings())


def test_a_file_of_blank_lines_has_no_rows(write_file, settings):
    with pytest.raises(DataError, match="no rows in it"):
        read_examples(write_file("train.jsonl", "\n\n  \n"), settings())


def test_a_table_with_only_a_header_has_no_rows(write_file, settings):
    with pytest.raises(DataError, match="no rows in it"):
        read_examples(write_file("train.csv", "prompt,completion\n"), settings())


def test_keys_that_are_not_used_are_counted(write_file, settings):
    rows = read_examples(write_file("train.jsonl", [{**row(1), "parallel_tool_calls": False}, row(2)]), settings())

    assert rows.notes == ("'parallel_tool_calls' is not used (1 row)",)


def test_a_mapped_csv_file_is_read(write_file, settings):
    path = write_file("train.csv", "text,label\nhello,greeting\nbye,farewell\n")

    rows = read_examples(path, settings(columns={"prompt": "text", "completion": "label"}))

    assert rows.format == "table"
    assert [example.answer.content for example in rows.examples] == ["greeting", "farewell"]


def test_latin_1_in_one_line_is_one_bad_row(write_file, settings):
    good = json.dumps(row(1)).encode()
    bad = '{"messages": [{"role": "user", "content": "café"}]}'.encode("latin-1")

    with pytest.raises(DataError) as caught:
        read_examples(write_file("train.jsonl", good + b"\n" + bad + b"\n"), settings())

    assert "line 2: byte 0xe9" in caught.value.found
    assert "iconv" in caught.value.fix


def test_a_row_nested_without_end_is_a_bad_row(write_file, settings):
    deep = b'{"messages": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"

    rows = read_examples(
        write_file("train.jsonl", json.dumps(row(1)).encode() + b"\n" + deep), settings(on_bad_row="skip-and-report")
    )

    assert "nested" in rows.bad_rows[0].found
