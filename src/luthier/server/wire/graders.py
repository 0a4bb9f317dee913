"""Graders on the wire; what each type holds is known to `luthier.evaluation.graders`."""

from __future__ import annotations

from typing import Any

from luthier.server.wire.model import Wire


class ValidateGrader(Wire):
    grader: dict[str, Any]


class RunGrader(Wire):
    grader: dict[str, Any]
    model_sample: str
    item: dict[str, Any] | None = None
