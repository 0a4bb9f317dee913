"""Learning rates: the share of the peak at each step, and what "auto" means for the peak."""

import math
from dataclasses import dataclass
from typing import Literal, assert_never

from luthier.recipe import Bottleneck, Full, Lora

# Schulman et al. 2025, "LoRA Without Regret": over 14 Llama and Qwen models the best LoRA rate fitted
# 5e-5 * 10 * (2000 / hidden_size) ** power with a power near 0.78, and full tuning wanted a tenth of LoRA's rate.
BASE_RATE = 5e-5
LORA_FACTOR = 10.0
REFERENCE_WIDTH = 2000
WIDTH_POWER = 0.78
LARGEST_RATE = 5e-3


@dataclass(frozen=True)
class ChosenRate:
    peak: float
    reason: str


def choose_learning_rate(
    asked: float | Literal["auto"], method: Lora | Bottleneck | Full, hidden_size: int
) -> ChosenRate:
    """The peak learning rate; on "auto" from the model's width and the method."""
    if asked != "auto":
        return ChosenRate(asked, "the recipe asks for it")
    width_factor = (REFERENCE_WIDTH / hidden_size) ** WIDTH_POWER
    match method:
        case Lora():
            rate, name = BASE_RATE * LORA_FACTOR * width_factor, "LoRA"
        case Bottleneck():
            rate, name = BASE_RATE * LORA_FACTOR * width_factor, "bottleneck adapters, taken as LoRA,"
        case Full():
            rate, name = BASE_RATE * width_factor, "full tuning"
        case _:
            assert_never(method)
    return ChosenRate(
        min(rate, LARGEST_RATE),
        f"{name} on width {hidden_size}: rule of Schulman et al. 2025 (LoRA Without Regret)",
    )


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up over ``warmup_steps``, then ``kind`` down to zero over the rest (constant stays)."""

    kind: Literal["cosine", "linear", "constant"]
    peak: float
    steps: int
    warmup_steps: int

    def rate(self, step: int) -> float:
        """Learning rate of step ``step``, counted from 0."""
        if step < self.warmup_steps:
            return self.peak * (step + 1) / self.warmup_steps
        progress = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        match self.kind:
            case "constant":
                return self.peak
            case "linear":
                return self.peak * (1 - progress)
            case "cosine":
                return self.peak * 0.5 * (1 + math.cos(math.pi * progress))
            case _:
                assert_never(self.kind)
