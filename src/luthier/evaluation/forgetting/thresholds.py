"""Where green ends. How each number was found, with the runs it was tried on, is told in docs/forgetting.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Colour = Literal["green", "amber", "red", "grey"]
SEVERITY: dict[Colour, int] = {"grey": 0, "green": 1, "amber": 2, "red": 3}

# Below this share of right answers a base cannot be said to answer, and what it answers says nothing about forgetting.
LEAST_SHARE_RIGHT = 0.10
# A base that needs more bits for a byte of a language cannot read it, so it has nothing there to forget.
MOST_BITS_PER_BYTE = 3.0
# Shorter ends of answers are guessed right too often to be called remembered.
FEWEST_VERBATIM_TOKENS = 8


@dataclass(frozen=True)
class Threshold:
    """``amber`` and ``red`` bound the change; above zero, more is worse, below zero, less is. ``red`` may be missing:
    then the measure warns, but never condemns."""

    amber: float
    red: float | None

    def colour(self, change: float) -> Colour:
        sign = 1 if self.amber > 0 else -1
        if self.red is not None and change * sign >= self.red * sign:
            return "red"
        return "amber" if change * sign >= self.amber * sign else "green"


THRESHOLDS: dict[str, Threshold] = {
    "kl_passages": Threshold(0.75, 1.25),
    "agreement_passages": Threshold(-0.45, -0.60),
    "perplexity_ratio_passages": Threshold(1.5, 2.0),
    "items_right": Threshold(-0.03, -0.10),
    "kl_own_answers": Threshold(1.0, None),
    "shorter_answers": Threshold(-0.5, None),
    "longer_answers": Threshold(1.0, None),
    "repetition": Threshold(0.10, 0.30),
    "refusals": Threshold(0.10, 0.30),
    "own_language": Threshold(-0.10, -0.30),
    "verbatim_gap": Threshold(0.30, None),
}
