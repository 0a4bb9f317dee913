"""A folder that holds several trainings and is no run itself, as of a sweep or a probe: what was asked, and what they
share.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from luthier.errors import StorageError
from luthier.recipe import Recipe, load_recipe
from luthier.runs.folder import RECIPE_FILE, RunFolder


@dataclass(frozen=True)
class JointFolder:
    """``kind`` is also the verb that makes such a folder; ``<kind>.yaml`` in it is the recipe that was asked for.

    Not recipe.yaml: "the newest run" must not be one of these, which has no model of its own to ask.
    """

    path: Path
    kind: ClassVar[str]

    @classmethod
    def create(cls, root: Path, name: str | None, recipe: Recipe) -> Self:
        """A new folder named by the time, ``name`` and the kind; raises StorageError where it cannot be."""
        path = RunFolder.create(root, f"{name} {cls.kind}" if name else cls.kind, recipe).path
        os.rename(path / RECIPE_FILE, path / cls.asked_file())
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """An existing one."""
        if not cls.is_at(path):
            raise StorageError(
                f"{path} is not the folder of a {cls.kind}",
                expected=f"a folder that luthier {cls.kind} made, with {cls.asked_file()} in it",
                fix="list what there is: ls runs",
            )
        return cls(path)

    @classmethod
    def is_at(cls, path: Path) -> bool:
        return (path / cls.asked_file()).is_file()

    @classmethod
    def asked_file(cls) -> str:
        return f"{cls.kind}.yaml"

    @property
    def recipe(self) -> Recipe:
        return load_recipe(self.path / self.asked_file(), [])

    @property
    def shared(self) -> RunFolder:
        """Has the layout of a run, for data, events and the lock."""
        return RunFolder(self.path)

    def read_json(self, name: str) -> dict[str, Any] | None:
        """None while the file is not there."""
        file = self.path / name
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
