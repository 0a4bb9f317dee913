"""When nothing fits: which changes of the recipe would, each with its predicted peak."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from torch import nn

from luthier.errors import TrainingError
from luthier.recipe import Bottleneck, Full, Lora, TrainingSettings
from luthier.training.memory.machine import MemoryLimit
from luthier.training.memory.plan import LEAST_TOKENS, Demand, MemoryPlan, gigabytes, plan_at
from luthier.training.memory.standing import Standing
from luthier.training.optimizer_choice import BYTES_PER_VALUE, BYTES_PER_VALUE_8BIT

SHOWN_WAYS = 3
# NF4 with double quantisation: 4 bits and an eighth of a bit for scales (Dettmers et al. 2023, section 3).
BYTES_PER_NF4_VALUE = 0.52


@dataclass(frozen=True)
class Way:
    """A change of the recipe and the peak it would have."""

    change: str
    plan: MemoryPlan


@dataclass(frozen=True)
class ModelValues:
    """How many numbers a model holds: in all, in linear layers, and what LoRA of the default rank would train."""

    all: int
    linear: int
    lora: int


def values_of(model: nn.Module) -> ModelValues:
    rank = Lora().rank
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    return ModelValues(
        all=sum(p.numel() for p in model.parameters()),
        linear=sum(linear.weight.numel() for linear in linears),
        lora=sum(rank * (linear.in_features + linear.out_features) for linear in linears),
    )


def does_not_fit(smallest: MemoryPlan, ways: Sequence[Way]) -> TrainingError:
    """``smallest`` asks for least among the plans that the recipe allows."""
    limit = smallest.limit
    fitting = [way for way in ways if way.plan.is_fitting]
    shown = (fitting or sorted(ways, key=lambda way: way.plan.peak_bytes))[:SHOWN_WAYS]
    listed = "; or ".join(f"{way.change} (about {gigabytes(way.plan.peak_bytes)})" for way in shown)
    parts = ", ".join(f"{name.replace('_', ' ')} {gigabytes(size)}" for name, size in smallest.parts.items() if size)
    return TrainingError(
        f"training does not fit: it needs {gigabytes(smallest.peak_bytes)} at its peak ({parts}), "
        f"there is {gigabytes(limit.limit_bytes)} ({limit.reason})",
        expected="a tenth more memory than the predicted peak",
        fix=listed if fitting else f"a smaller model or a larger machine; nearest to fitting: {listed}",
    )


def ways_out(
    demand: Demand,
    settings: TrainingSettings,
    method: Lora | Bottleneck | Full,
    values: ModelValues,
    limit: MemoryLimit,
) -> Iterator[Way]:
    """Changes that ask for less, mildest first; each with the smallest micro-batches, computed twice."""
    standing = demand.standing

    def least_with(changed: Standing) -> MemoryPlan:
        return plan_at(dataclasses.replace(demand, standing=changed), LEAST_TOKENS, True, limit)

    if settings.micro_batch_tokens != "auto" or settings.activation_checkpointing == "off":
        change = "--set training.micro_batch_tokens=auto --set training.activation_checkpointing=auto"
        yield Way(change, least_with(standing))
    if settings.optimizer == "adamw":
        states = standing.optimizer_states * BYTES_PER_VALUE_8BIT / BYTES_PER_VALUE
        eight_bit = dataclasses.replace(standing, optimizer_states=round(states))
        yield Way("--set training.optimizer=adamw-8bit", least_with(eight_bit))
    yield from (Way(change, least_with(changed)) for change, changed in _other_methods(standing, method, values))
    longest = max(size.tokens for size in demand.sizes_at(LEAST_TOKENS).micro_batches)
    if longest > LEAST_TOKENS:
        least, shorter = least_with(standing), max(LEAST_TOKENS, longest // 2)
        parts = least.parts | {"activations": round(least.parts["activations"] * shorter / longest)}
        yield Way(f"--set data.max_tokens={shorter}", dataclasses.replace(least, parts=parts))


def _other_methods(
    standing: Standing, method: Lora | Bottleneck | Full, values: ModelValues
) -> Iterator[tuple[str, Standing]]:
    frozen_bytes = (standing.weights + (standing.adapter if isinstance(method, Full) else 0)) / max(1, values.all)
    in_4_bits = round(values.linear * BYTES_PER_NF4_VALUE + (values.all - values.linear) * frozen_bytes)
    lora = dataclasses.replace(
        standing,
        weights=round(values.all * frozen_bytes),
        adapter=4 * values.lora,
        gradients=4 * values.lora,
        optimizer_states=round(BYTES_PER_VALUE * values.lora),
    )
    match method:
        case Full():
            yield "--set method.kind=lora", lora
            yield "--set method.kind=lora --set method.base_bits=4", dataclasses.replace(lora, weights=in_4_bits)
        case Lora() if method.base_bits is None:
            yield "--set method.base_bits=4", dataclasses.replace(standing, weights=min(standing.weights, in_4_bits))
        case Lora() | Bottleneck():
            return
        case _:
            assert_never(method)
