"""What a file really is, is seen from its first bytes."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import pytest

from luthier.data.file_content import refuse_other_content
from luthier.errors import DataError

PATH = Path("folder/train.jsonl")


def a_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("train.jsonl", "{}")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"<!DOCTYPE html><html>", "this is an HTML page"),
        (b"\n  <html lang=en>", "this is an HTML page"),
        (b"\xef\xbb\xbf<!-- saved --><html>", "this is an HTML page"),
        (pickle.dumps({"a": 1}), "Python pickle"),
        (a_zip(), "zip archive"),
        (b"\x28\xb5\x2f\xfd....", "zstandard"),
        (b"%PDF-1.7", "PDF document"),
        (b"SQLite format 3\x00", "SQLite database"),
        (b"abc\x00\x01\x02def\x00xyz, and more", "binary file"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name(head, said):
    with pytest.raises(DataError) as caught:
        refuse_other_content(head, PATH)

    assert said in caught.value.found
    assert "JSON Lines" in caught.value.expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_recognised_with_and_without_a_mark(encoding):
    head = '{"prompt": "Où est ma carte ?", "completion": "carte"}'.encode(encoding)

    with pytest.raises(DataError) as caught:
        refuse_other_content(head, PATH)

    assert "UTF-16" in caught.value.found or "UTF-32" in caught.value.found
    assert "iconv -f UTF-" in caught.value.fix


@pytest.mark.parametrize(
    "text", ['{"a": 1}', "text,label\na,b\n", "[\n", '{"a": "日本語です"}', "x < y,label\n", "1\n"]
)
def test_ordinary_text_passes(text):
    refuse_other_content(text.encode(), PATH)


def test_a_hostile_head_is_judged_quickly():
    refuse_other_content(b" " * 4000 + b"-->" * 1000, PATH)
