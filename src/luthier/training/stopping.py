"""Which validation was best, and when to wait no longer for a better one. Pure functions over what was measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class EarlyStopping:
    """Stop after ``patience`` validations in a row that are not more than ``min_delta`` nats below the lowest."""

    patience: int
    min_delta: float = 0.0


@dataclass(frozen=True)
class Measured:
    """Validation loss after ``step`` steps, in nats per trained token."""

    step: int
    loss: float


def best_steps(validations: Sequence[Measured], count: int) -> tuple[int, ...]:
    """Steps with the lowest loss, best first, the earlier of two equals. The untrained model does not compete."""
    trained = [m for m in validations if m.step > 0 and math.isfinite(m.loss)]
    return tuple(m.step for m in sorted(trained, key=lambda m: (m.loss, m.step))[:count])


def has_waited_enough(validations: Sequence[Measured], stopping: EarlyStopping | None) -> bool:
    """Whether patience is at its end. A loss that is not finite is no improvement."""
    if stopping is None:
        return False
    lowest, waited = math.inf, 0
    for measured in validations:
        if measured.step == 0:
            continue
        if measured.loss < lowest - stopping.min_delta:
            lowest, waited = measured.loss, 0
        else:
            waited += 1
    return waited >= stopping.patience
