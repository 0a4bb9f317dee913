"""The folder of a sweep: what was asked, the data all candidates share, a run folder for each, and the standings."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import StorageError
from luthier.recipe import Candidate, Recipe, dump_recipe, load_recipe
from luthier.runs.folder import RECIPE_FILE, RunFolder

# Not recipe.yaml: "the newest run" must not be a sweep, which has no model of its own to ask.
ASKED_FILE, STANDINGS_FILE, WINNER_FILE = "sweep.yaml", "sweep.json", "winner.yaml"
LOSSES_FILE = "validation_losses.jsonl"


@dataclass(frozen=True)
class SweepFolder:
    """Paths within one sweep. ``shared`` has the layout of a run, for its data, its events and its lock."""

    path: Path

    @classmethod
    def create(cls, root: Path, name: str | None, recipe: Recipe) -> SweepFolder:
        """A new folder named by the time, ``name`` and "sweep"; raises StorageError where it cannot be."""
        path = RunFolder.create(root, f"{name} sweep" if name else "sweep", recipe).path
        os.rename(path / RECIPE_FILE, path / ASKED_FILE)
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> SweepFolder:
        """An existing sweep."""
        if not is_sweep(path):
            raise StorageError(
                f"{path} is not the folder of a sweep",
                expected=f"a folder that luthier sweep made, with {ASKED_FILE} in it",
                fix="list what there is: ls runs",
            )
        return cls(path)

    @property
    def recipe(self) -> Recipe:
        return load_recipe(self.path / ASKED_FILE, [])

    @property
    def shared(self) -> RunFolder:
        return RunFolder(self.path)

    def candidate(self, name: str) -> RunFolder:
        return RunFolder(self.path / "candidates" / name)

    def open_candidate(self, candidate: Candidate) -> RunFolder:
        """The candidate's run folder, made ready where it is new: its recipe, and the data under its own name."""
        run = self.candidate(candidate.name)
        if not (run.data / "preflight.json").is_file():
            shared = self.shared.data
            run.data.mkdir(parents=True, exist_ok=True)
            # Last the file that says that all are there.
            for file in sorted(shared.iterdir(), key=lambda file: file.name == "preflight.json"):
                _link(file, run.data / file.name)
        if not (run.path / RECIPE_FILE).is_file():
            run.write_text(RECIPE_FILE, dump_recipe(candidate.recipe))
        return run

    def standings(self) -> dict[str, Any]:
        """`sweep.json`; empty before the first candidate has ended."""
        file = self.path / STANDINGS_FILE
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    def write_standings(self, standings: dict[str, Any]) -> None:
        self.shared.write_text(STANDINGS_FILE, json.dumps(standings, indent=2, ensure_ascii=False) + "\n")

    def write_winner(self, candidate: Candidate) -> Path:
        """The winner's recipe, ready for `luthier run`."""
        self.shared.write_text(WINNER_FILE, dump_recipe(candidate.recipe))
        return self.path / WINNER_FILE


def is_sweep(path: Path) -> bool:
    return (path / ASKED_FILE).is_file()


def _link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where the file system has no such thing."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
