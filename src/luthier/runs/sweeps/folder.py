"""The folder of a sweep: what was asked, the data all candidates share, a run folder for each, and the standings."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from luthier.recipe import Candidate, dump_recipe
from luthier.runs.folder import RECIPE_FILE, RunFolder
from luthier.runs.joint_folder import JointFolder

STANDINGS_FILE, WINNER_FILE = "sweep.json", "winner.yaml"
LOSSES_FILE = "validation_losses.jsonl"


@dataclass(frozen=True)
class SweepFolder(JointFolder):
    """Paths within one sweep."""

    kind: ClassVar[str] = "sweep"

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
        return self.read_json(STANDINGS_FILE) or {}

    def write_standings(self, standings: dict[str, Any]) -> None:
        self.shared.write_text(STANDINGS_FILE, json.dumps(standings, indent=2, ensure_ascii=False) + "\n")

    def write_winner(self, candidate: Candidate) -> Path:
        """The winner's recipe, ready for `luthier run`."""
        self.shared.write_text(WINNER_FILE, dump_recipe(candidate.recipe))
        return self.path / WINNER_FILE


def _link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where the file system has no such thing."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
