"""A few steps into training: how long all of it will take, from what the first steps took on this very machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# The first steps warm up allocator, caches and kernels; they count as they were, but foretell nothing.
WARMING_STEPS = 2
CALIBRATION_STEPS = 12


def calibrated_minutes(steps: Sequence[Mapping[str, Any]], all_steps: int, all_computed_tokens: int) -> float | None:
    """Minutes of all optimizer steps, from the first `CALIBRATION_STEPS`; None where fewer were told.

    ``steps``: told steps in order, each with its ``seconds`` and ``computed_tokens``. Time goes with computed tokens.
    A training so short that little would be left to foretell gets no such forecast.
    """
    if len(steps) < CALIBRATION_STEPS or all_steps < 2 * CALIBRATION_STEPS:
        return None
    first = steps[:CALIBRATION_STEPS]
    telling = first[WARMING_STEPS:]
    seconds_per_token = sum(s["seconds"] for s in telling) / max(1, sum(s["computed_tokens"] for s in telling))
    left = max(0, all_computed_tokens - sum(s["computed_tokens"] for s in first))
    return (sum(s["seconds"] for s in first) + seconds_per_token * left) / 60
