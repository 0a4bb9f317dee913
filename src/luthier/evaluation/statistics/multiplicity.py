"""Several comparisons judged together, over arms and over metrics."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjustment (1979): the p-values that hold for all the comparisons together."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for index, divisor in _steps(p_values):
        highest = max(highest, min(1.0, divisor * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def holm_divisors(p_values: Sequence[float]) -> tuple[int, ...]:
    """By how much the error rate is divided where Holm reaches each comparison: most for the smallest p, 1 at last."""
    divisors = [0] * len(p_values)
    for index, divisor in _steps(p_values):
        divisors[index] = divisor
    return tuple(divisors)


def _steps(p_values: Sequence[float]) -> list[tuple[int, int]]:
    in_order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    return [(index, len(p_values) - rank) for rank, index in enumerate(in_order)]
