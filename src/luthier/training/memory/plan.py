"""The memory plan: how large a micro-batch may be, and whether activations must be computed twice, before training.

Peak memory is what stays through all of training plus the most that one micro-batch needs at once; the second is
measured on small micro-batches (`probe.py`) and scaled to the run's own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from luthier.recipe import TrainingSettings
from luthier.training.memory.machine import MemoryLimit
from luthier.training.memory.probe import MicroBatchSize, StageBytes
from luthier.training.memory.standing import Standing

# More tokens at once than this bring no more speed on a CPU: matrix products run at full rate from about 1,024 on.
MOST_USEFUL_TOKENS = 4096
LEAST_TOKENS = 256
# Below this, smaller micro-batches lose more speed than computing activations twice.
LEAST_FAST_TOKENS = 1024
# What is predicted may be off by so much; a run is planned to fit all the same.
PREDICTION_MARGIN = 0.10


@dataclass(frozen=True)
class StepSizes:
    """Micro-batches of some sampled steps under one budget. ``is_accumulating``: some step has more than one."""

    micro_batches: tuple[MicroBatchSize, ...]
    is_accumulating: bool


@dataclass(frozen=True)
class Demand:
    """What a run asks of memory. ``sizes_at``: by budget; ``costs_of``: by whether activations are computed twice."""

    standing: Standing
    sizes_at: Callable[[int], StepSizes]
    costs_of: Callable[[bool], dict[str, StageBytes]]
    chunk_rows: int


@dataclass(frozen=True)
class MemoryChoice:
    """What is decided: computed tokens at once, and whether activations are computed twice."""

    micro_batch_tokens: int
    is_checkpointed: bool


@dataclass(frozen=True)
class MemoryPlan:
    """``parts`` are bytes by name at the moment of the peak, which is in ``stage``; their sum is the peak."""

    parts: dict[str, int]
    stage: str
    micro_batch_tokens: int
    is_checkpointed: bool
    limit: MemoryLimit
    reasons: dict[str, str]

    @property
    def peak_bytes(self) -> int:
        return sum(self.parts.values())

    @property
    def is_fitting(self) -> bool:
        return self.peak_bytes * (1 + PREDICTION_MARGIN) <= self.limit.limit_bytes


def candidates(
    settings: TrainingSettings, demand: Demand, limit: MemoryLimit, earlier: MemoryChoice | None = None
) -> Iterator[MemoryPlan]:
    """Every way the recipe leaves open, after the ``earlier`` one fastest first. Probes only what is looked at."""
    for choice in (*([earlier] if earlier else []), *_ways(settings)):
        yield plan_at(demand, choice.micro_batch_tokens, choice.is_checkpointed, limit)


def plan_at(demand: Demand, budget: int, is_checkpointed: bool, limit: MemoryLimit) -> MemoryPlan:
    """The prediction for one way: the largest of all stages of all micro-batches, and of the update."""
    sizes, costs, standing = demand.sizes_at(budget), demand.costs_of(is_checkpointed), demand.standing
    peaks: list[tuple[str, dict[str, int]]] = []
    for size in sizes.micro_batches:
        for stage, cost in costs.items():
            whole, headless = cost.at(size, demand.chunk_rows), cost.at(size, 0)
            # A step of one micro-batch makes its gradients while its activations go, but for those that stay.
            gradients = standing.gradients if sizes.is_accumulating else standing.kept_gradients
            kept = min(standing.allocator, whole)
            peaks.append((stage, _moving(gradients, headless, whole - headless, kept)))
    kept = max((moving["allocator"] for _, moving in peaks), default=0)
    peaks.append(("update", _moving(standing.gradients, 0, 0, kept)))
    stage, moving = max(peaks, key=lambda peak: sum(peak[1].values()))
    return MemoryPlan(standing.parts() | moving, stage, budget, is_checkpointed, limit, {})


def _moving(gradients: int, activations: int, head: int, allocator: int) -> dict[str, int]:
    return {"gradients": gradients, "activations": activations, "head": head, "allocator": allocator}


def explained(plan: MemoryPlan, settings: TrainingSettings, larger: Sequence[MemoryPlan]) -> MemoryPlan:
    """The plan with a reason for each decision; ``larger`` are the ways that were tried before and do not fit."""
    too_much = f"{gigabytes(larger[-1].peak_bytes)} would be needed otherwise" if larger else ""
    fits = f"{gigabytes(plan.peak_bytes)} of {gigabytes(plan.limit.limit_bytes)}, {plan.limit.reason}"
    if settings.micro_batch_tokens != "auto":
        budget = f"the recipe asks for it; {fits}"
    elif plan.micro_batch_tokens == MOST_USEFUL_TOKENS:
        budget = f"computed tokens at once; more bring no speed; {fits}"
    else:
        budget = f"the largest that fits: {fits}; {too_much}"
    match settings.activation_checkpointing:
        case "auto" if plan.is_checkpointed:
            recompute = f"needed to fit; {too_much}"
        case "auto":
            recompute = "not needed to fit"
        case "on" | "off":
            recompute = "the recipe asks for it"
        case _:
            assert_never(settings.activation_checkpointing)
    reasons = {"micro_batch_tokens": budget, "activation_checkpointing": recompute}
    return dataclasses.replace(plan, reasons=reasons)


def _ways(settings: TrainingSettings) -> Iterator[MemoryChoice]:
    """Smaller micro-batches first, then computing twice, then both: in the order of what they cost in speed."""
    asked = settings.micro_batch_tokens
    budgets = _halvings() if asked == "auto" else [asked]
    match settings.activation_checkpointing:
        case "on":
            yield from (MemoryChoice(budget, True) for budget in budgets)
        case "off":
            yield from (MemoryChoice(budget, False) for budget in budgets)
        case "auto":
            yield from (MemoryChoice(b, False) for b in budgets if asked != "auto" or b >= LEAST_FAST_TOKENS)
            yield from (MemoryChoice(budget, True) for budget in budgets)
        case _:
            assert_never(settings.activation_checkpointing)


def _halvings() -> list[int]:
    budgets = [MOST_USEFUL_TOKENS]
    while budgets[-1] > LEAST_TOKENS:
        budgets.append(budgets[-1] // 2)
    return budgets


def gigabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB"
