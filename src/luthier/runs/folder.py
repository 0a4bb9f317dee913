"""The run folder: what was asked, what happened, and what came out. The contract between rooms.

Every file but `events.jsonl` is written beside its final name and renamed, so a reader never meets half a file.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from luthier.errors import StorageError
from luthier.events import Event, as_json
from luthier.recipe import Recipe, dump_recipe, load_recipe

RECIPE_FILE = "recipe.yaml"


@dataclass(frozen=True)
class RunFolder:
    """Paths within one run."""

    path: Path

    @classmethod
    def create(cls, root: Path, name: str | None, recipe: Recipe) -> RunFolder:
        """A new folder named by the time (and ``name``), holding the recipe; raises StorageError where it cannot be."""
        stamp = time.strftime("%Y%m%d-%H%M%S")
        slug = re.sub(r"[^a-z0-9]+", "-", (name or "").lower()).strip("-")
        stem = f"{stamp}-{slug}" if slug else stamp
        try:
            root.mkdir(parents=True, exist_ok=True)
            path = _make_new(root, stem)
        except OSError as error:
            raise _unwritable(root, error) from None
        folder = cls(path)
        try:
            folder.write_text(RECIPE_FILE, dump_recipe(recipe))
        except StorageError:
            # Nothing was started, so nothing is left behind.
            for file in path.iterdir():
                file.unlink()
            path.rmdir()
            raise
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """An existing run."""
        if not (path / RECIPE_FILE).is_file():
            raise StorageError(
                f"{path} is not a run folder",
                expected=f"a folder that luthier run made, with {RECIPE_FILE} in it",
                fix="list the runs there are: ls runs",
            )
        return cls(path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def recipe(self) -> Recipe:
        return load_recipe(self.path / RECIPE_FILE, [])

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def report_html(self) -> Path:
        return self.path / "report.html"

    def answers(self, arm: str) -> Path:
        """Where every item of one arm is written down."""
        return self.path / "evaluation" / f"{arm}.jsonl"

    def record(self, event: Event) -> None:
        """Append one line to the stream of events; a line that was cut off by a full disk or a kill is ended first."""
        line = json.dumps(as_json(event), ensure_ascii=False) + "\n"
        try:
            with (self.path / "events.jsonl").open("a+b") as stream:
                if stream.tell() and not _ends_a_line(stream):
                    stream.write(b"\n")
                stream.write(line.encode())
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def events(self) -> Iterator[dict[str, Any]]:
        """All whole lines of the stream so far; the last line may be torn if the run was killed while writing it."""
        file = self.path / "events.jsonl"
        if not file.exists():
            return
        # Split as bytes: a line may be torn inside a character, and text may hold line separators of its own.
        for line in file.read_bytes().split(b"\n"):
            try:
                yield json.loads(line)
            except ValueError:
                continue

    def write_text(self, name: str, text: str) -> None:
        """Write ``name`` whole or not at all."""
        target = self.path / name
        part = target.with_name(f".{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise _unwritable(target, error) from None

    def lock(self) -> IO[str]:
        """Hold the run for this process until the returned file is closed or the process ends."""
        try:
            file = (self.path / ".lock").open("w")
        except OSError as error:
            raise _unwritable(self.path, error) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise StorageError(
                f"{self.path} is being run by another process",
                expected="one process per run",
                fix="wait for it, or stop it with Ctrl-C",
            ) from None
        return file


def _ends_a_line(stream: IO[bytes]) -> bool:
    stream.seek(-1, os.SEEK_END)
    return stream.read(1) == b"\n"


def _make_new(root: Path, stem: str) -> Path:
    """The first of stem, stem-2, stem-3, … that is not there yet."""
    number = 1
    while True:
        path = root / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.mkdir()
            return path
        except FileExistsError:
            number += 1


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path} cannot be written: {error.strerror or error}",
        expected="a folder with room, in which this user may write",
        fix="free some space or change its rights, or choose another place: --set run.folder=FOLDER",
    )
