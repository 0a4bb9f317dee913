"""JSON Lines and JSON arrays become numbered records."""

from __future__ import annotations

import pytest

from luthier.data.json_records import read_json_array, read_json_lines
from luthier.errors import DataError


def test_json_lines_are_numbered_as_an_editor_does_and_blank_lines_are_no_rows(write_file):
    path = write_file("rows.jsonl", '{"a": 1}\n\n{"a": 2}\n')

    assert [(record.line, record.value) for record in read_json_lines(path)] == [(1, {"a": 1}), (3, {"a": 2})]


def test_a_bad_line_is_one_record_and_reading_goes_on(write_file):
    path = write_file("rows.jsonl", '{"a": 1}\n{"a": \n[1]\n{"a": 4}\n')

    records = list(read_json_lines(path))

    assert [record.refused is None for record in records] == [True, False, False, True]
    assert "invalid JSON" in str(records[1].refused)
    assert "an array, not an object" in str(records[2].refused)


def test_an_array_may_run_over_many_lines(write_file):
    path = write_file("rows.json", '[\n {"a": 1},\n {"a": 2},\n "x"\n]\n')

    records = list(read_json_array(path))

    assert [record.line for record in records] == [1, 2, 3]
    assert "a string, not an object" in str(records[2].refused)


def test_a_broken_array_is_refused_as_a_whole(write_file):
    with pytest.raises(DataError, match="invalid JSON"):
        list(read_json_array(write_file("rows.json", '[{"a": 1}, ')))
