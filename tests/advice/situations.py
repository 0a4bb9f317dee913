"""Situations people come with: short ways to write down evidence."""

from __future__ import annotations

from typing import Any

from luthier.advice import (
    DataChecks,
    Evidence,
    Hardware,
    MeasuredArm,
    MeasuredDifference,
    ProbeForecast,
    Targets,
    kind_of,
)


def arm(name: str, mean: float, half: float = 0.03, n: int = 500, **more: Any) -> MeasuredArm:
    """An arm whose interval is ``mean`` ± ``half``."""
    kind = more.pop("kind", None) or ("classifier" if name == "tf-idf" else kind_of(name))
    return MeasuredArm(name, kind, mean, max(0.0, mean - half), min(1.0, mean + half), n, **more)


def arms(**means: float) -> tuple[MeasuredArm, ...]:
    """`arms(base=0.2, few_shot=0.5)`: every arm with an interval of ± 0.03."""
    return tuple(arm(name.replace("_", "-"), mean) for name, mean in means.items())


def pair(better: str, worse: str, difference: float, half: float) -> MeasuredDifference:
    low = difference - half
    return MeasuredDifference(better, worse, difference, low, difference + half, low > 0, None if low > 0 else 800)


def probe(gain: float, half: float = 0.02, limit: Any = "amount") -> ProbeForecast:
    return ProbeForecast(gain, gain - half, gain + half, limit)


NO_LICENCE = {"licence": "forbidden"}
NO_ROOM = {"hardware": Hardware(fits=False)}
CONFLICTS = {"checks": DataChecks(conflicting_share=0.3)}
STOPPED = {"checks": DataChecks(stops=("there are no answers",))}


def target(score: float | None = None, **more: Any) -> dict[str, Any]:
    return {"targets": Targets(score=score, **more)}


def evidence(**known: Any) -> Evidence:
    return Evidence(**known)
