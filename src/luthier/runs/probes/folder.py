"""The folder of a probe: what was asked, the rows all trainings draw from, each training, and what each measured."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import StorageError
from luthier.recipe import Recipe, load_recipe
from luthier.runs.folder import RECIPE_FILE, RunFolder

# Not recipe.yaml: "the newest run" must not be a probe, which has no model of its own to ask.
ASKED_FILE, PROBE_FILE, DRAWING_FILE = "probe.yaml", "probe.json", "curve.svg"


@dataclass(frozen=True)
class ProbeFolder:
    """Paths within one probe. ``shared`` has the layout of a run, for its data, its events and its lock."""

    path: Path

    @classmethod
    def create(cls, root: Path, name: str | None, recipe: Recipe) -> ProbeFolder:
        """A new folder named by the time, ``name`` and "probe"; raises StorageError where it cannot be."""
        path = RunFolder.create(root, f"{name} probe" if name else "probe", recipe).path
        os.rename(path / RECIPE_FILE, path / ASKED_FILE)
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> ProbeFolder:
        """An existing probe."""
        if not is_probe(path):
            raise StorageError(
                f"{path} is not the folder of a probe",
                expected=f"a folder that luthier probe made, with {ASKED_FILE} in it",
                fix="list what there is: ls runs",
            )
        return cls(path)

    @property
    def recipe(self) -> Recipe:
        return load_recipe(self.path / ASKED_FILE, [])

    @property
    def shared(self) -> RunFolder:
        return RunFolder(self.path)

    def training(self, name: str) -> RunFolder:
        """Holds one training's checkpoints, as long as they may be needed, and its events."""
        path = self.path / "trainings" / name
        path.mkdir(parents=True, exist_ok=True)
        return RunFolder(path)

    def point(self, name: str) -> dict[str, Any] | None:
        """What a training measured at its end; None while it has not ended."""
        file = self.path / "points" / f"{name}.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None

    def write_point(self, name: str, point: dict[str, Any]) -> None:
        self.shared.write_text(f"points/{name}.json", json.dumps(point) + "\n")

    def result(self) -> dict[str, Any]:
        """`probe.json`; empty before the end."""
        file = self.path / PROBE_FILE
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    def write_result(self, result: dict[str, Any], drawing: str) -> None:
        self.shared.write_text(DRAWING_FILE, drawing)
        self.shared.write_text(PROBE_FILE, json.dumps(result, indent=2, ensure_ascii=False) + "\n")


def is_probe(path: Path) -> bool:
    return (path / ASKED_FILE).is_file()
