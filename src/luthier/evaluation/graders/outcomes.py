"""What one check found, before it becomes a grade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from luthier.evaluation.graders.grades import GradeErrors, TokenUsage


@dataclass(frozen=True)
class Found:
    """``passed`` is set where the check itself knows; a threshold decides elsewhere."""

    reward: float
    errors: GradeErrors = field(default=GradeErrors())
    passed: bool | None = None
    sub_rewards: Mapping[str, float] = field(default_factory=dict)
    usage: Mapping[str, TokenUsage] = field(default_factory=dict)
    model: str | None = None
    repeats: tuple[float, ...] = ()


def failed(errors: GradeErrors) -> Found:
    return Found(0.0, errors)


def yes_or_no(is_right: bool) -> Found:
    return Found(float(is_right), passed=is_right)
