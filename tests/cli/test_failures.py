"""Every way of failing has its words."""

import errno
import os
from pathlib import Path

import pytest

from luthier.cli.failures import advice_text, as_advice, own_mistake_text
from luthier.errors import DataError, StorageError


def test_advice_is_printed_with_what_was_expected_and_the_fix():
    error = DataError("rows.jsonl, line 3: no role", expected="a role", fix="add one")
    assert advice_text(error, color=False) == "error: rows.jsonl, line 3: no role\n  expected: a role\n  fix: add one"


def test_errors_are_red_where_colour_is_wanted():
    error = DataError("x", expected="y", fix="z")
    assert advice_text(error, color=True).startswith("\x1b[31m\x1b[1merror:\x1b[0m x")


def test_data_in_an_error_cannot_paint_the_screen():
    error = DataError("\x1b]0;owned\x07", expected="y", fix="z")
    assert "\x1b" not in advice_text(error, color=False)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EFBIG])
def test_a_disk_that_takes_no_more_is_advice(number: int):
    advice = as_advice(OSError(number, "no", "/runs/x"))
    assert isinstance(advice, StorageError)
    assert advice.found == f"/runs/x: {os.strerror(number)}"


def test_a_disk_error_in_the_words_of_a_rust_library_is_advice():
    advice = as_advice(Exception("Error while serializing: I/O error: No space left on device (os error 28)"))
    assert isinstance(advice, StorageError) and advice.found == "No space left on device"


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes")])
def test_no_memory_is_advice(error: Exception):
    advice = as_advice(error)
    assert advice is not None and "micro_batch_tokens" in advice.fix


@pytest.mark.parametrize("error", [ValueError("x"), RuntimeError("shape"), OSError(errno.ENOENT, "no such file")])
def test_what_the_user_cannot_mend_is_ours(error: Exception):
    assert as_advice(error) is None


def test_our_own_mistake_is_one_line_and_its_traceback_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    try:
        raise KeyError("rank")
    except KeyError as error:
        text = own_mistake_text(error, color=False)
    assert text.startswith("luthier met a mistake of its own: KeyError: 'rank'\n")
    (file,) = tmp_path.iterdir()
    assert str(file) in text
    assert "Traceback" in file.read_text(encoding="utf-8")


def test_a_traceback_that_cannot_be_kept_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    assert "could not be written down" in own_mistake_text(ValueError("x"), color=False)
