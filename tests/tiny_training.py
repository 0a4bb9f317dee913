"""A whole training of the tiny model, built in one call: 32 random rows, 16 a step, six steps unless told otherwise."""

import dataclasses
from pathlib import Path
from typing import Any

import torch

from luthier.adapters import put_on
from luthier.objectives import sft_loss_sum
from luthier.recipe import Full, Lora, TrainingSettings
from luthier.training import Cadence, NamedAdamW, Schedule, StepPlan, Training, TrainingExample, make_step
from tiny import random_branches, tiny_llama


def tiny_examples(count: int = 32) -> list[TrainingExample]:
    return [TrainingExample((branch,), f"row {i}") for i, branch in enumerate(random_branches(count))]


def tiny_training(
    folder: Path,
    method: Lora | Full | None = None,
    budget_tokens: int = 100_000,
    is_folded: bool = True,
    epochs: float = 3.0,
    **changes: Any,
) -> Training:
    """Checkpoints every two steps, validation after each epoch; ``changes`` are fields of Training."""
    adapter = put_on(method or Lora(rank=4), tiny_llama().requires_grad_(False), "base", seed=0)
    plan = StepPlan(tiny_examples(), 16, epochs, seed=7, budget_tokens=budget_tokens, is_folded=is_folded)
    built = Training(
        adapter=adapter,
        plan=plan,
        validation=[make_step(tiny_examples(5), budget_tokens, is_folded)],
        loss_sum=sft_loss_sum,
        optimizer=NamedAdamW(adapter.parameters(), TrainingSettings()),
        schedule=Schedule("cosine", 5e-3, plan.steps, 1),
        cadence=Cadence(validate_steps=plan.steps_per_epoch, checkpoint_steps=2, keep_checkpoints=2),
        clip_norm=1.0,
        compute_dtype=torch.float32,
        checkpoints=folder,
    )
    return dataclasses.replace(built, **changes)


def values(training: Training) -> dict[str, torch.Tensor]:
    """Copies of the trained parameters."""
    return {name: p.detach().clone() for name, p in training.adapter.parameters().items()}


def are_equal(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    """Bit for bit."""
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def break_beyond(training: Training, largest: float, factor: float) -> Training:
    """The loss is multiplied by ``factor`` once a value of lora_B has grown beyond ``largest``.

    Every step moves them by about the learning rate, so a run with half the rate gets twice as far.
    """
    moved = [p for name, p in training.adapter.parameters().items() if name.endswith("lora_B")]

    def loss_sum(log_probs_P: torch.Tensor, weights_P: torch.Tensor) -> torch.Tensor:
        is_beyond = any(bool(p.detach().abs().max() > largest) for p in moved)
        return sft_loss_sum(log_probs_P, weights_P) * (factor if is_beyond else 1.0)

    return dataclasses.replace(training, loss_sum=loss_sum)
