"""Before training: how long and how much memory, from counted operations and one measured matrix product."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch

from luthier.adapters import Adapter, FullAdapter
from luthier.training import StepPlan

SAMPLED_STEPS = 8
# Share of the bare matrix-product rate that whole training steps of small models reached on two CPU cores.
REACHED_SHARE = 0.35
PROBE_SECONDS = 0.1
# A Python process with torch and Transformers loaded, before any model.
PROCESS_BYTES = 600_000_000
# Kept per token, layer and unit of width for the backward pass (norms, projections, attention, feed-forward).
ACTIVATIONS_PER_UNIT = 18


@dataclass(frozen=True)
class Forecast:
    """A rough promise; the ledger holds it against what was measured."""

    minutes: float
    peak_memory_bytes: int
    computed_tokens: int
    micro_batch_tokens: int


def forecast(adapter: Adapter, plan: StepPlan, compute_dtype: torch.dtype) -> Forecast:
    """Tokens from a sample of steps; 6 operations per weight and token if the weight is trained, 4 if it is frozen."""
    sampled = [plan(step) for step in range(0, plan.steps, max(1, plan.steps // SAMPLED_STEPS))][:SAMPLED_STEPS]
    trees = [tree for step in sampled for tree in step.trees]
    computed = round(sum(tree.computed_tokens for tree in trees) / len(sampled) * plan.steps)
    largest = max(tree.computed_tokens for tree in trees)
    weights = sum(p.numel() for p in adapter.model.parameters())
    per_weight = 6 if isinstance(adapter, FullAdapter) else 4
    seconds = computed * weights * per_weight / (REACHED_SHARE * _operations_per_second(compute_dtype, adapter))
    return Forecast(seconds / 60, _peak_bytes(adapter, largest, compute_dtype), computed, largest)


def _peak_bytes(adapter: Adapter, tokens: int, compute_dtype: torch.dtype) -> int:
    """Weights, gradients and two moments of what trains, and the activations of the largest micro-batch."""
    model: Any = adapter.model
    config = model.config.get_text_config()
    weights = sum(p.numel() * p.element_size() for p in adapter.model.parameters())
    trained = sum(p.numel() for p in adapter.parameters().values())
    unit_bytes = 4 if adapter.is_autocast else compute_dtype.itemsize
    activations = tokens * config.num_hidden_layers * config.hidden_size * ACTIVATIONS_PER_UNIT * unit_bytes
    return PROCESS_BYTES + weights + trained * 12 + activations


def _operations_per_second(dtype: torch.dtype, adapter: Adapter) -> float:
    device = next(adapter.model.parameters()).device
    left, right = (torch.ones(1024, 1024, dtype=dtype, device=device) for _ in range(2))
    torch.nn.functional.linear(left, right)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < PROBE_SECONDS:
        torch.nn.functional.linear(left, right)
        count += 1
    return 2 * 1024**3 * count / (time.perf_counter() - began)
