"""The way a file is read follows its name, and its content where the name does not tell."""

from __future__ import annotations

import gzip

import pyarrow
import pyarrow.parquet
import pytest

from luthier.data.records import read_records
from luthier.errors import DataError


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", b'{"a": "1"}\n'),
        ("rows.json", b'{"a": "1"}\n'),
        ("rows.json", b'\xef\xbb\xbf \n[{"a": "1"}]'),
        ("rows.txt", b'{"a": "1"}\n'),
        ("rows", b'[{"a": "1"}]'),
        ("rows.csv", b"a\n1\n"),
        ("rows.tsv", b"a\n1\n"),
        ("rows.csv.gz", gzip.compress(b"a\n1\n")),
        ("rows.jsonl.gz", gzip.compress(b'{"a": "1"}\n')),
        ("rows.json.gz", gzip.compress(b'[{"a": "1"}]')),
    ],
)
def test_every_text_layout_is_found(write_file, name, content):
    assert [record.value for record in read_records(write_file(name, content))] == [{"a": "1"}]


@pytest.mark.parametrize("name", ["rows.parquet", "rows.pq", "rows"])
def test_parquet_is_found_by_its_content(tmp_path, name):
    pyarrow.parquet.write_table(pyarrow.table({"a": ["1"]}), tmp_path / name)
    assert [record.value for record in read_records(tmp_path / name)] == [{"a": "1"}]


@pytest.mark.parametrize(
    ("name", "content"),
    [("notes.txt", b"Dear all"), ("rows.parquet", b'{"a": 1}'), ("rows.parquet.gz", gzip.compress(b"PAR1...."))],
)
def test_a_file_that_does_not_tell_what_it_is_is_refused(write_file, name, content):
    with pytest.raises(DataError):
        read_records(write_file(name, content))
