"""Which optimizer a recipe asks for, and the memory that its moments take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import assert_never

from torch import nn

from luthier.recipe import TrainingSettings
from luthier.training.eight_bit import BLOCK, LEAST_VALUES, NamedAdamW8bit
from luthier.training.optimizer import NamedAdamW

# Two moments in float32; or two codes of one byte and two float32 scales per block.
BYTES_PER_VALUE = 8.0
BYTES_PER_VALUE_8BIT = 2.0 + 8.0 / BLOCK

NamedOptimizer = NamedAdamW | NamedAdamW8bit


def make_optimizer(
    parameters: dict[str, nn.Parameter], settings: TrainingSettings, rate_factors: Mapping[str, float] | None = None
) -> NamedOptimizer:
    """AdamW over ``parameters``; ``rate_factors`` multiply the learning rate of some (LoRA+)."""
    match settings.optimizer:
        case "adamw":
            return NamedAdamW(parameters, settings, rate_factors)
        case "adamw-8bit":
            return NamedAdamW8bit(parameters, settings, rate_factors)
        case _:
            assert_never(settings.optimizer)


def state_bytes(parameters: Iterable[nn.Parameter], settings: TrainingSettings) -> int:
    """Bytes of all moments from the first update on."""
    counts = [parameter.numel() for parameter in parameters]
    if settings.optimizer == "adamw":
        return round(sum(counts) * BYTES_PER_VALUE)
    return round(sum(n * (BYTES_PER_VALUE_8BIT if n >= LEAST_VALUES else BYTES_PER_VALUE) for n in counts))
