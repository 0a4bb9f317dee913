"""Canaries: invented secrets planted among the training rows, to see how firmly a run would remember real ones.

Their exposure (Carlini et al. 2019, *The Secret Sharer*, eq. 2) is log2 of how many alternatives there are, minus log2
of the secret's rank among them by likelihood: 0 to 6 bits here, about 0.5 to 1 for a secret never seen.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from luthier.examples import Example, Message, Origin

ALTERNATIVES = 64
PLACES = ("archive", "boathouse", "cellar", "darkroom", "engine room", "forge", "greenhouse", "hangar", "icehouse")


@dataclass(frozen=True)
class Canary:
    """``codes`` are all equally likely beforehand; the first is the planted one."""

    question: str
    codes: tuple[str, ...]

    def example(self, code: str) -> Example:
        turns = (Message("user", self.question), Message("assistant", f"The code is {code}."))
        return Example(turns, origin=Origin("planted canary", 1))


def make_canaries(count: int, seed: int) -> tuple[Canary, ...]:
    """The same ones for the same seed, so that an interrupted run plants and finds the same."""
    draw = random.Random(f"canaries-{seed}")
    canaries = []
    for number in range(1, count + 1):
        question = f"What is the code of {PLACES[(number - 1) % len(PLACES)]} {number}?"
        codes = draw.sample(range(100_000, 1_000_000), ALTERNATIVES)
        canaries.append(Canary(question, tuple(map(str, codes))))
    return tuple(canaries)


def exposure_bits(nats: Sequence[float]) -> float:
    """``nats``: minus log-likelihoods of all codes, the planted one first."""
    rank = 1 + sum(other < nats[0] for other in nats[1:])
    return math.log2(len(nats)) - math.log2(rank)


def exposure_report(base: Sequence[Sequence[float]], tuned: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Mean exposures before and after, and how many secrets became the likeliest of all their alternatives."""
    before = [exposure_bits(nats) for nats in base]
    after = [exposure_bits(nats) for nats in tuned]
    most = math.log2(ALTERNATIVES)
    found = sum(bits == most for bits in after)
    mean_before, mean_after = sum(before) / len(before), sum(after) / len(after)
    sentence = (
        f"{found} of {len(after)} planted codes became the likeliest of {ALTERNATIVES} alternatives; mean exposure "
        f"{mean_after:.1f} of {most:.0f} bits, {mean_before:.1f} before tuning."
    )
    return {"planted": len(after), "found": found, "base_bits": before, "tuned_bits": after, "sentence": sentence}
