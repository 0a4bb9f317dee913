"""A run steps back behind the server, and can tell what came of it even where the disk has become full."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from luthier.jobs.workers import child

NICE = """
import os
from luthier.jobs.workers import child
group = lambda: child.AUTOGROUP.read_text() if child.AUTOGROUP.exists() else f"nice {child.NICENESS}"
child._outcome = lambda *_: {"nice": os.nice(0), "group": group()}
"""


def test_the_result_takes_no_more_room_than_was_taken_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / child.RESULT_FILE).write_text("of an earlier run")
    child.reserve_result(tmp_path)
    assert not (tmp_path / child.RESULT_FILE).exists()
    (reserved,) = tmp_path.iterdir()
    taken = reserved.stat()
    child.write_result(tmp_path, {"outcome": "storage", "found": "x" * 600})
    written = (tmp_path / child.RESULT_FILE).stat()
    assert (written.st_ino, written.st_size, written.st_blocks) == (taken.st_ino, taken.st_size, taken.st_blocks)
    assert json.loads((tmp_path / child.RESULT_FILE).read_text())["outcome"] == "storage"
    assert list(tmp_path.iterdir()) == [tmp_path / child.RESULT_FILE]


@pytest.mark.parametrize(
    ("error", "is_room"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (RuntimeError("I/O error: No space left on device (os error 28)"), True),
        (OSError(errno.ENOENT, "No such file"), False),
        (ValueError("bad"), False),
    ],
)
def test_want_of_room_is_told_from_other_mistakes(error: Exception, is_room: bool):
    assert child.is_out_of_room(error) is is_room


def test_a_run_takes_only_what_the_server_leaves_of_the_processor(tmp_path: Path):
    program = NICE + f"child.main(__import__('pathlib').Path({str(tmp_path)!r}))"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, start_new_session=True) as run:
        assert run.wait() == 0
    told = json.loads((tmp_path / child.RESULT_FILE).read_text())
    assert told["nice"] == min(19, os.nice(0) + child.NICENESS)
    assert told["group"].strip().endswith(f"nice {child.NICENESS}")
