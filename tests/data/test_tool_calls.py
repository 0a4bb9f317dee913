"""Tools and calls of every age become one form."""

from __future__ import annotations

import pytest

from luthier.data.rows import RowRefused
from luthier.data.tool_calls import read_calls, read_function_call, read_tools

ONE_TOOL = ({"type": "function", "function": {"name": "weather", "parameters": {}}},)


@pytest.mark.parametrize(
    "written",
    [
        [{"type": "function", "function": {"name": "weather", "parameters": {}}}],
        [{"name": "weather", "parameters": {}}],
        '[{"name": "weather", "parameters": {}}]',
    ],
)
def test_tools_are_read_as_lists_or_json_text_with_or_without_a_wrapper(written):
    assert read_tools(written, "tools") == ONE_TOOL


@pytest.mark.parametrize("written", [None, "", "  ", "[]", "null", []])
def test_nothing_means_no_tools(written):
    assert read_tools(written, "tools") == ()


def test_arguments_text_stays_as_it_was_written():
    arguments = '{ "b":1,  "a":2 }'

    assert read_function_call({"name": "f", "arguments": arguments}, "c", "x")["function"]["arguments"] == arguments


def test_absent_arguments_are_an_empty_object():
    assert read_calls([{"function": {"name": "f"}}], "x")[0]["function"]["arguments"] == "{}"


def test_tools_nested_without_end_are_refused():
    deep: dict = {}
    for _ in range(300):
        deep = {"properties": deep}

    with pytest.raises(RowRefused, match="nested"):
        read_tools([{"name": "f", "parameters": deep}], "tools")


def test_tools_that_are_no_json_are_refused():
    with pytest.raises(RowRefused, match="'tools': invalid JSON"):
        read_tools("[{", "tools")
