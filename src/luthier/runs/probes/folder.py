"""The folder of a probe: what was asked, the rows all trainings draw from, each training, and what each measured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from luthier.runs.folder import RunFolder
from luthier.runs.joint_folder import JointFolder

RESULT_FILE, DRAWING_FILE = "probe.json", "curve.svg"


@dataclass(frozen=True)
class ProbeFolder(JointFolder):
    """Paths within one probe."""

    kind: ClassVar[str] = "probe"

    def training(self, name: str) -> RunFolder:
        """Holds one training's checkpoints, as long as they may be needed, and its events."""
        path = self.path / "trainings" / name
        path.mkdir(parents=True, exist_ok=True)
        return RunFolder(path)

    def point(self, name: str) -> dict[str, Any] | None:
        """What a training measured at its end; None while it has not ended."""
        return self.read_json(f"points/{name}.json")

    def write_point(self, name: str, point: dict[str, Any]) -> None:
        self.shared.write_text(f"points/{name}.json", json.dumps(point) + "\n")

    def result(self) -> dict[str, Any]:
        """`probe.json`; empty before the end."""
        return self.read_json(RESULT_FILE) or {}

    def write_result(self, result: dict[str, Any], drawing: str) -> None:
        self.shared.write_text(DRAWING_FILE, drawing)
        self.shared.write_text(RESULT_FILE, json.dumps(result, indent=2, ensure_ascii=False) + "\n")
