"""What is known when someone asks whether to prompt, retrieve or tune. Everything may be unknown, and then says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Goal = Literal["behaviour", "knowledge", "both", "unclear", "unknown"]
Freshness = Literal["static", "yearly", "monthly", "weekly", "daily", "unknown"]
Strictness = Literal["free", "loose", "strict", "unknown"]
Tried = Literal["no", "enough", "not enough", "unknown"]
Use = Literal["allowed", "conditions", "forbidden", "unknown"]
Kind = Literal["prompt", "few-shot", "rag", "tune", "tune+rag", "classifier"]

# From the least to the most work to build and to keep; the order in which equals are preferred.
EFFORT: tuple[Kind, ...] = ("classifier", "prompt", "few-shot", "rag", "tune", "tune+rag")
TUNED_KINDS: tuple[Kind, ...] = ("tune", "tune+rag")
# Facts that change this often are stale before the next training.
FAST_CHANGES: tuple[Freshness, ...] = ("weekly", "daily")


@dataclass(frozen=True)
class MeasuredArm:
    """One way to answer the golden items: mean score with its 95 % interval, shares between 0 and 1."""

    name: str
    kind: Kind
    mean: float
    low: float
    high: float
    n: int
    seconds_per_request: float | None = None
    cost_per_1000_requests: float | None = None


@dataclass(frozen=True)
class MeasuredDifference:
    """``better`` minus ``worse`` on the same items, paired; ``is_settled`` when interval and test agree."""

    better: str
    worse: str
    difference: float
    low: float
    high: float
    is_settled: bool
    more_items_needed: int | None = None


@dataclass(frozen=True)
class DataChecks:
    """What preflight found; shares of all rows. ``stops`` are findings with which nothing should be trained."""

    conflicting_share: float = 0.0
    unreadable_share: float = 0.0
    stops: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProbeForecast:
    """What the learning curve says about twice the rows: gain in score with its 95 % interval.

    ``limit`` is what holds the score back according to the curve.
    """

    gain: float
    low: float
    high: float
    limit: Literal["amount", "quality", "none", "unknown"] = "unknown"


@dataclass(frozen=True)
class Targets:
    """What the answer must reach; None where nothing is asked."""

    score: float | None = None
    seconds_per_request: float | None = None
    cost_per_1000_requests: float | None = None
    requests_per_month: float | None = None


@dataclass(frozen=True)
class Hardware:
    """Whether training fits, and what it takes once."""

    fits: bool | None = None
    training_minutes: float | None = None
    training_cost: float | None = None


@dataclass(frozen=True)
class Evidence:
    """All that a piece of advice may rest on.

    ``freshness``: how often the facts change that answers rest on. ``documents``: whether there are texts that hold
    those facts. ``passages_found``: for which share of the golden items a right passage stood in the prompt of the
    measured retrieval. ``needs_language_model`` is false where any classifier would do.
    """

    goal: Goal = "unknown"
    freshness: Freshness = "unknown"
    strictness: Strictness = "unknown"
    rows: int | None = None
    golden_rows: int | None = None
    prompt_tried: Tried = "unknown"
    retrieval_tried: Tried = "unknown"
    documents: bool | None = None
    passages_found: float | None = None
    needs_language_model: bool = True
    arms: tuple[MeasuredArm, ...] = ()
    differences: tuple[MeasuredDifference, ...] = ()
    checks: DataChecks | None = None
    probe: ProbeForecast | None = None
    forgetting: Literal["green", "amber", "red"] | None = None
    targets: Targets = field(default_factory=Targets)
    licence: Use = "unknown"
    hardware: Hardware = field(default_factory=Hardware)


def kind_of(arm: str) -> Kind:
    """What an arm's name says it does; a name of no known kind is a prompted (perhaps remote) model."""
    name = arm.lower().replace("_", "-").replace(" ", "")
    is_tuned = "tuned" in name and "untuned" not in name
    retrieves = "rag" in name or "retriev" in name
    if is_tuned:
        return "tune+rag" if retrieves else "tune"
    if retrieves:
        return "rag"
    return "few-shot" if "shot" in name else "prompt"
