"""A key holds the whole content or nothing, whatever happens to the writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from luthier.errors import StorageError
from luthier.store import BlobExists, BlobMissing, Blobs, TooLarge, open_blobs

WRITER = """
import sys, time
from luthier.store import open_blobs
blobs = open_blobs(sys.argv[1])
def slow():
    for _ in range(int(sys.argv[2])):
        yield b"x" * (1 << 20)
        print("chunk", flush=True)
        time.sleep(0.02)
blobs.put("files/big", slow())
print("whole", flush=True)
"""


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return open_blobs(str(tmp_path / "blobs"))


def in_the_making(blobs: Blobs) -> list[Path]:
    """As they lie on the disk: the local store does not list what it has half written."""
    assert blobs.folder is not None
    return list((blobs.folder / "incoming").glob("*"))


def test_what_is_put_comes_back_whole_and_in_ranges(blobs: Blobs):
    content = os.urandom(3_000_000)
    written = blobs.put("files/a", (content[start : start + 700_000] for start in range(0, len(content), 700_000)))
    assert written.bytes == len(content) == blobs.size("files/a")
    assert b"".join(blobs.read("files/a")) == content
    assert b"".join(blobs.read("files/a", 5, 2_500_000)) == content[5:2_500_000]
    assert b"".join(blobs.read("files/a", 2_999_999, 9_999_999)) == content[-1:]


def test_an_empty_content_is_a_content(blobs: Blobs):
    assert blobs.put("files/empty", []).bytes == 0
    assert blobs.content("files/empty") == b"" and blobs.exists("files/empty")


def test_a_taken_key_keeps_what_it_holds(blobs: Blobs):
    blobs.put("files/a", [b"first"])
    with pytest.raises(BlobExists):
        blobs.put("files/a", [b"second"])
    assert blobs.content("files/a") == b"first"


def test_too_much_is_refused_as_soon_as_it_is_too_much_and_leaves_nothing(blobs: Blobs):
    drawn = []

    def endless() -> Iterator[bytes]:
        while True:
            drawn.append(1)
            yield b"x" * 100_000

    with pytest.raises(TooLarge):
        blobs.put("files/a", endless(), limit_bytes=1_000_000)
    assert len(drawn) == 11
    assert not blobs.exists("files/a") and in_the_making(blobs) == []


def test_a_source_that_breaks_leaves_nothing(blobs: Blobs):
    def broken() -> Iterator[bytes]:
        yield b"x" * 6_000_000
        raise ConnectionError

    with pytest.raises(StorageError):
        blobs.put("files/a", broken())
    assert blobs.keys("files") == [] and in_the_making(blobs) == []


@pytest.mark.parametrize("chunks_before_the_kill", [1, 7, 13])
def test_a_writer_killed_by_force_leaves_nothing_under_the_key(tmp_path: Path, chunks_before_the_kill: int):
    folder = tmp_path / "blobs"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), "20"], stdout=subprocess.PIPE, start_new_session=True
    )
    assert writer.stdout is not None
    for _ in range(chunks_before_the_kill):
        assert writer.stdout.readline() == b"chunk\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    blobs = open_blobs(str(folder))
    assert not blobs.exists("files/big") and blobs.keys("files") == []
    time.sleep(0.01)
    left = in_the_making(blobs)
    assert blobs.sweep_incoming() == 0 and in_the_making(blobs) == left
    assert blobs.sweep_incoming(older_than_seconds=0) == len(left)
    assert blobs.keys("") == [] and in_the_making(blobs) == []


def test_a_missing_key_says_so(blobs: Blobs):
    for ask in (blobs.size, blobs.read, blobs.content):
        with pytest.raises(BlobMissing):
            ask("files/none")
    blobs.remove("files/none")


@pytest.mark.parametrize("key", ["../escape", "files/../../escape", "/etc/x/../../tmp/escape"])
def test_no_key_leaves_the_folder(blobs: Blobs, tmp_path: Path, key: str):
    with pytest.raises(StorageError):
        blobs.put(key, [b"x"])
    assert not (tmp_path / "escape").exists()


def test_a_folder_is_there_when_its_list_is_and_can_be_put_again(blobs: Blobs, tmp_path: Path):
    source = tmp_path / "adapter"
    (source / "deep").mkdir(parents=True)
    (source / "a.txt").write_text("a")
    (source / "deep" / "b.txt").write_text("b")
    assert not blobs.has_folder("models/m")
    for _ in range(2):
        blobs.put_folder("models/m", source)
    assert blobs.has_folder("models/m")
    assert (blobs.folder_on_disk("models/m", tmp_path / "cache") / "deep" / "b.txt").read_text() == "b"
    far = Blobs(blobs.store, None)
    assert (far.folder_on_disk("models/m", tmp_path / "cache") / "deep" / "b.txt").read_text() == "b"
    blobs.remove_folder("models/m")
    assert blobs.keys("models") == []


def test_an_unknown_kind_of_store_is_told():
    with pytest.raises(StorageError, match="s3://bucket"):
        open_blobs("ftp://host/blobs")
