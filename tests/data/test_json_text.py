"""No JSON from strangers gets past without an answer or a refusal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.data.json_text import as_text, decode_json
from luthier.data.rows import RowRefused


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (b"{", "pretty-printed"),
        (b'{"a": NaN}', "no NaN"),
        (b"{'a': 1}", "double quotes"),
        (b'{"a": 1},', "comma"),
        (b'{"a": "caf\xe9"}', "WINDOWS-1252"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b"hello", "JSON library"),
    ],
)
def test_invalid_json_comes_with_advice(text, advice):
    with pytest.raises(RowRefused) as caught:
        decode_json(text)

    assert advice in caught.value.fix


def test_deep_nesting_is_a_refusal_and_no_recursion_error():
    with pytest.raises(RowRefused, match="nested more than"):
        decode_json(b"[" * 100_000 + b"]" * 100_000)


def test_a_value_of_middling_depth_is_refused_where_it_would_be_written_again():
    value = decode_json(b"[" * 500 + b"]" * 500)

    with pytest.raises(RowRefused, match="nested more than"):
        as_text(value)


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (3, "3"), (True, "true"), (["é"], '["é"]'), ({"a": None}, '{"a": null}')]
)
def test_cells_that_are_no_text_become_their_json(value, text):
    assert as_text(value) == text


@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused(text):
    try:
        decode_json(text)
    except RowRefused as refused:
        assert refused.fix


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
@settings(max_examples=50, deadline=None)
def test_what_json_can_write_is_read_back(value):
    try:
        text = json.dumps(value).encode()
        text.decode("utf-8")
        written = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    assert decode_json(text) == value
    assert decode_json(written) == value
