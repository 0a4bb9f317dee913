"""What a task asks: items, whatever file they came from, in one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from luthier.examples import Message


@dataclass(frozen=True)
class TaskItem:
    """One question. ``fields`` is the row as it was written: templates and graders see it as ``item``.

    ``messages`` are the row's own turns, empty where the task's prompt makes them. Any of ``targets`` is right; which
    of ``choices`` is, ``targets`` says by its text, or by its letter in inspect's files.
    """

    id: str
    fields: Mapping[str, Any]
    messages: tuple[Message, ...] = ()
    targets: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    tools: tuple[dict[str, Any], ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def target(self) -> str:
        return self.targets[0] if self.targets else ""

    def for_graders(self) -> dict[str, Any]:
        """The row, with ``target``, ``targets`` and ``choices`` where it has no fields of these names."""
        known = {"target": self.target, "targets": list(self.targets), "choices": list(self.choices)}
        return {**known, **self.fields}
