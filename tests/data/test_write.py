"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from luthier.data import read_examples, write_examples
from luthier.errors import StorageError
from luthier.examples import Example, Message

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": "é"}'}}
TALK = Example(
    (
        Message("system", "Be kind."),
        Message("user", "hello \u2028 there\n"),
        Message("assistant", "", weight=0.0, tool_calls=(CALL,)),
        Message("tool", "x", tool_call_id="c1"),
        Message("assistant", "hi", reasoning="hm"),
    ),
    tools=({"type": "function", "function": {"name": "f"}},),
)


def test_what_is_written_is_read_back(tmp_path, settings):
    path = tmp_path / "new" / "train.jsonl"

    write_examples(path, [TALK, TALK])

    assert read_examples(path, settings()).examples == (TALK, TALK)
    assert [child.name for child in path.parent.iterdir()] == ["train.jsonl"]


def test_a_failure_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text("old")

    def broken():
        yield TALK
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StorageError, match="no space left"):
        write_examples(path, broken())

    assert path.read_text() == "old"
    assert [child.name for child in tmp_path.iterdir()] == ["train.jsonl"]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "no space left"),
        (errno.EACCES, "no permission"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "cannot be written"),
    ],
)
def test_each_failure_of_the_disk_is_said_in_words(tmp_path, monkeypatch, number, said):
    def fail(*_args: object, **_named: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", fail)

    with pytest.raises(StorageError, match=said):
        write_examples(tmp_path / "train.jsonl", [TALK])

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(StorageError):
        write_examples(tmp_path / "taken" / "train.jsonl", [TALK])
