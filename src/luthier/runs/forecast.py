"""Before training: how long, from counted operations and one measured matrix product; memory has a plan of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from luthier.adapters import Adapter, FullAdapter
from luthier.training import MemoryPlan, StepPlan

SAMPLED_STEPS = 8
# Share of the bare matrix-product rate that whole training steps of small models reached on two CPU cores.
REACHED_SHARE = 0.35
PROBE_SECONDS = 0.1


@dataclass(frozen=True)
class Forecast:
    """A promise, rough in its minutes; the ledger holds it against what was measured."""

    minutes: float
    computed_tokens: int
    micro_batch_tokens: int
    memory: MemoryPlan | None = None

    @property
    def peak_memory_bytes(self) -> int | None:
        return self.memory.peak_bytes if self.memory else None


def forecast(
    adapter: Adapter, plan: StepPlan, compute_dtype: torch.dtype, memory: MemoryPlan | None = None
) -> Forecast:
    """Tokens from a sample of steps; 6 operations per weight and token if the weight is trained, 4 if it is frozen."""
    sampled = [plan(step) for step in range(0, plan.steps, max(1, plan.steps // SAMPLED_STEPS))][:SAMPLED_STEPS]
    trees = [tree for step in sampled for tree in step.trees]
    computed = round(sum(tree.computed_tokens for tree in trees) / len(sampled) * plan.steps)
    largest = max(tree.computed_tokens for tree in trees)
    weights = sum(p.numel() for p in adapter.model.parameters())
    per_weight = 6 if isinstance(adapter, FullAdapter) else 4
    seconds = computed * weights * per_weight / (REACHED_SHARE * _operations_per_second(compute_dtype, adapter))
    return Forecast(seconds / 60, computed, largest, memory)


def _operations_per_second(dtype: torch.dtype, adapter: Adapter) -> float:
    device = next(adapter.model.parameters()).device
    left, right = (torch.ones(1024, 1024, dtype=dtype, device=device) for _ in range(2))
    torch.nn.functional.linear(left, right)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < PROBE_SECONDS:
        torch.nn.functional.linear(left, right)
        count += 1
    return 2 * 1024**3 * count / (time.perf_counter() - began)
