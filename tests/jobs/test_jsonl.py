"""Lines out of chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from luthier.jobs import jsonl
from luthier.jobs.jsonl import BadLine, numbered_lines, parse_object


@given(some.binary(max_size=60), some.integers(1, 20))
def test_chunks_do_not_matter(content: bytes, size: int):
    chunks = [content[place : place + size] for place in range(0, len(content), size)]

    lines = list(numbered_lines(chunks))

    assert lines == [(n, text) for n, text in enumerate(content.split(b"\n"), 1) if text.strip()]


def test_a_line_without_end_is_cut_and_refused(monkeypatch):
    monkeypatch.setattr(jsonl, "LONGEST_LINE_BYTES", 100)

    ((_, line),) = numbered_lines([b'{"a": "' + b"x" * 60] * 50)

    assert len(line) == 100
    with pytest.raises(BadLine):
        parse_object(line)


def test_a_byte_order_mark_is_passed_over_in_the_first_line():
    assert parse_object(b'\xef\xbb\xbf{"a": 1}', is_first=True) == {"a": 1}


@pytest.mark.parametrize("line", [b'{"a": 1e999}', b'{"a": NaN}', b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}", b"[]"])
def test_what_could_not_be_written_again_is_refused(line: bytes):
    with pytest.raises(BadLine):
        parse_object(line)
