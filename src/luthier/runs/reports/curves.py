"""What a run's events tell about each step, where a resumed or rolled-back run tells some steps twice."""

from __future__ import annotations

from typing import Any

from luthier.runs.folder import RunFolder


def last_of_each_step(folder: RunFolder, kind: str) -> list[dict[str, Any]]:
    """Events of one kind in order of steps: the later telling is the one that counts, and a rollback undoes steps."""
    by_step: dict[int, dict[str, Any]] = {}
    for event in folder.events():
        if event["event"] == "RolledBack":
            by_step = {step: told for step, told in by_step.items() if step <= event["to_step"]}
        elif event["event"] == kind:
            by_step[event["step"]] = event
    return [by_step[step] for step in sorted(by_step)]
