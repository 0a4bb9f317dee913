"""A training brought into the memory there is: planned, its micro-batches cut anew, checkpointing switched on."""

from __future__ import annotations

import dataclasses
import weakref
from functools import cache, partial

import torch

from luthier.models import head_chunk_rows, recompute_layers
from luthier.recipe import Bottleneck, Full, Lora, TrainingSettings
from luthier.training.memory.machine import block_bytes, memory_limit
from luthier.training.memory.plan import (
    MOST_USEFUL_TOKENS,
    Demand,
    MemoryChoice,
    MemoryPlan,
    StepSizes,
    candidates,
    explained,
)
from luthier.training.memory.probe import Probed, StageBytes, probe, size_of
from luthier.training.memory.remedies import does_not_fit, values_of, ways_out
from luthier.training.memory.standing import standing_of
from luthier.training.steps import StepPlan, make_step
from luthier.training.training import Training
from luthier.training.update import differentiate

SAMPLED_STEPS = 8
BYTES_PER_GIGABYTE = 1_000_000_000


def fit_into_memory(
    training: Training,
    settings: TrainingSettings,
    method: Lora | Bottleneck | Full,
    earlier: MemoryChoice | None = None,
) -> tuple[Training, MemoryPlan]:
    """The same training with micro-batches that fit, and the plan; layers of its model may be switched to recompute.

    ``earlier`` is what a resumed run had chosen: kept if it still fits, so that the run goes on bit for bit. Raises
    TrainingError, with ways that do, when nothing that the recipe allows fits.
    """
    device = next(training.adapter.model.parameters()).device
    asked = settings.memory_limit_gb
    limit = memory_limit(device, None if asked is None else round(asked * BYTES_PER_GIGABYTE))
    demand = _demand(training, settings, device)
    tried: list[MemoryPlan] = []
    for plan in candidates(settings, demand, limit, earlier):
        if plan.is_fitting:
            recompute_layers(training.adapter.model, plan.is_checkpointed)
            return _cut_anew(training, plan.micro_batch_tokens), explained(plan, settings, tried)
        tried.append(plan)
    ways = list(ways_out(demand, settings, method, values_of(training.adapter.model), limit))
    raise does_not_fit(min(tried, key=lambda plan: plan.peak_bytes), ways)


def _demand(training: Training, settings: TrainingSettings, device: torch.device) -> Demand:
    """Probes and packs on demand: most runs fit at once and look at one way only."""
    probed = cache(lambda is_checkpointed: _probe(training, is_checkpointed, device))
    # Before anything is measured: the first micro-batch loads kernels and tables, which the process then holds.
    _, kept_gradients = probed(False)
    model = training.adapter.model
    return Demand(
        standing=standing_of(training.adapter, settings, device, kept_gradients),
        sizes_at=cache(lambda budget: _sizes(dataclasses.replace(training.plan, budget_tokens=budget))),
        costs_of=lambda is_checkpointed: probed(is_checkpointed)[0],
        chunk_rows=head_chunk_rows(model, training.compute_dtype),
    )


def _probe(training: Training, is_checkpointed: bool, device: torch.device) -> tuple[dict[str, StageBytes], int]:
    """Costs by stage, and the bytes of gradients that stay although nobody holds them."""
    model, plan = training.adapter.model, dataclasses.replace(training.plan, budget_tokens=MOST_USEFUL_TOKENS)
    like = max((tree for step in _sampled(plan) for tree in plan(step).trees), key=lambda tree: size_of(tree).pairs)
    recompute_layers(model, is_checkpointed)
    takes = partial(block_bytes, is_recomputed=is_checkpointed) if device.type == "cpu" else float
    try:
        costs = probe(Probed(model, lambda tree: differentiate(training, tree, 1.0), takes), like)
    finally:
        recompute_layers(model, False)
        kept = _drop_gradients(training)
    return costs, kept


def _drop_gradients(training: Training) -> int:
    """Returns the bytes that stay all the same: an adapter may keep its gradients' places for the next step."""
    dropped: list[weakref.ref[torch.UntypedStorage]] = []
    for parameter in [*training.adapter.model.parameters(), *training.adapter.parameters().values()]:
        if parameter.grad is not None:
            dropped.append(weakref.ref(parameter.grad.untyped_storage()))
            parameter.grad = None
    staying = {storage.data_ptr(): storage.nbytes() for ref in dropped if (storage := ref()) is not None}
    return sum(staying.values())


def _sizes(plan: StepPlan) -> StepSizes:
    steps = [plan(step).trees for step in _sampled(plan)]
    return StepSizes(tuple(size_of(tree) for trees in steps for tree in trees), any(len(trees) > 1 for trees in steps))


def _sampled(plan: StepPlan) -> range:
    return range(0, plan.steps, max(1, -(-plan.steps // SAMPLED_STEPS)))


def _cut_anew(training: Training, budget: int) -> Training:
    plan = dataclasses.replace(training.plan, budget_tokens=budget)
    watched, sampled = (
        [make_step(step.examples, budget, plan.is_folded, plan.fork_tokens) for step in steps]
        for steps in (training.validation, training.sampled)
    )
    return dataclasses.replace(training, plan=plan, validation=watched, sampled=sampled)
