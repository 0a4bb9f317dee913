"""Files that cannot be read say so in one clear error."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from luthier.data import lines
from luthier.data.lines import read_head, read_lines
from luthier.errors import DataError


def test_lines_are_numbered_from_one_and_a_byte_order_mark_is_taken_off(write_file):
    path = write_file("rows.jsonl", b"\xef\xbb\xbfone\r\ntwo")

    assert list(read_lines(path)) == [(1, b"one\r\n"), (2, b"two")]


def test_gzip_is_recognised_by_content_not_by_name(write_file):
    path = write_file("rows.jsonl", gzip.compress(b"one\n"))

    assert list(read_lines(path)) == [(1, b"one\n")]


def test_a_missing_file_suggests_its_neighbour(write_file, tmp_path):
    write_file("train.jsonl", "{}")

    with pytest.raises(DataError) as caught:
        read_head(tmp_path / "tran.jsonl")

    assert "no such file" in caught.value.found
    assert "train.jsonl" in caught.value.fix


def test_a_missing_folder_is_said_to_be_missing(tmp_path):
    with pytest.raises(DataError) as caught:
        read_head(tmp_path / "nowhere" / "train.jsonl")

    assert "does not exist either" in caught.value.fix


def test_a_folder_is_no_file_and_its_files_are_named(write_file, tmp_path):
    write_file("train.jsonl", "{}")

    with pytest.raises(DataError, match=r"is a folder; it holds train\.jsonl"):
        read_head(tmp_path)


def test_an_empty_file_is_refused(write_file):
    with pytest.raises(DataError, match="is empty"):
        read_head(write_file("train.jsonl", b""))


def test_an_empty_gzip_file_is_refused(write_file):
    with pytest.raises(DataError, match="is empty"):
        read_head(write_file("train.jsonl.gz", gzip.compress(b"")))


def test_a_file_without_read_permission_is_refused(write_file, monkeypatch):
    path = write_file("train.jsonl", "{}")

    def refuse(*_args: object, **_named: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)

    with pytest.raises(DataError, match="no permission to read"):
        read_head(path)


@pytest.mark.parametrize("kept_bytes", [12, 200])
def test_a_gzip_file_that_is_cut_short_is_damaged(write_file, kept_bytes):
    whole = gzip.compress(os.urandom(300).hex().encode() + b"\n")
    path = write_file("train.jsonl.gz", whole[:kept_bytes])

    with pytest.raises(DataError, match="damaged or cut short"):
        list(read_lines(path))


def test_a_flipped_byte_in_a_gzip_file_is_damage(write_file):
    whole = bytearray(gzip.compress(b'{"a": 1}\n' * 100))
    whole[-5] ^= 0xFF
    path = write_file("train.jsonl.gz", bytes(whole))

    with pytest.raises(DataError, match="damaged or cut short"):
        list(read_lines(path))


def test_a_line_without_end_is_refused_before_it_fills_the_memory(write_file, monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    path = write_file("bomb.jsonl.gz", gzip.compress(b"0" * 100_000))

    with pytest.raises(DataError, match="line 1: longer than"):
        list(read_lines(path))


def test_an_archive_that_unpacks_to_too_much_is_refused(write_file, monkeypatch):
    monkeypatch.setattr(lines, "MAX_FILE_BYTES", 1000)
    path = write_file("bomb.jsonl.gz", gzip.compress(b"0\n" * 10_000))

    with pytest.raises(DataError, match="GiB of text"):
        list(read_lines(path))
