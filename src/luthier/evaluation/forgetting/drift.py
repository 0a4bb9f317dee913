"""How far a tuned model's next-token distributions have moved from its base's, text by text.

Shapes: R texts, C tokens of one text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier.evaluation.paired_losses import compare_losses, mean_loss
from luthier.evaluation.statistics import Interval

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Reading:
    """One text read by both models, per token: how unlike they are, and how well each foresaw the token that came.

    ``kl_C``: KL(base || tuned) in nats over the whole vocabulary; ``agrees_C``: 1 where both hold the same token
    likeliest; ``*_nats_C``: minus the log-probability of the real token; ``*_hits_C``: 1 where it was the likeliest.
    """

    kl_C: Numbers
    agrees_C: Numbers
    base_nats_C: Numbers
    tuned_nats_C: Numbers
    base_hits_C: Numbers
    tuned_hits_C: Numbers

    def __len__(self) -> int:
        return len(self.kl_C)


@dataclass(frozen=True)
class Drift:
    """Means per token with intervals over texts, which are what varies: tokens of one text are alike.

    Perplexities are exp(nats per token); ``perplexity_ratio`` is tuned over base, paired by text.
    """

    texts: int
    tokens: int
    kl_nats: Interval
    agreement: Interval
    perplexity_ratio: Interval
    base_perplexity: float
    tuned_perplexity: float


def measure_drift(readings: Sequence[Reading]) -> Drift | None:
    """None where fewer than two texts had anything to read: a mean without an interval is not shown."""
    read = [reading for reading in readings if len(reading)]
    if len(read) < 2:
        return None
    tokens_R = np.array([len(reading) for reading in read], dtype=np.float64)
    base_R = np.array([reading.base_nats_C.sum() for reading in read])
    tuned_R = np.array([reading.tuned_nats_C.sum() for reading in read])
    shift = compare_losses(tuned_R, base_R, tokens_R)
    return Drift(
        texts=len(read),
        tokens=int(tokens_R.sum()),
        kl_nats=_not_negative(mean_loss(np.array([reading.kl_C.sum() for reading in read]), tokens_R)),
        agreement=_share(mean_loss(np.array([reading.agrees_C.sum() for reading in read]), tokens_R)),
        perplexity_ratio=Interval(_exp(shift.difference), _exp(shift.low), _exp(shift.high), shift.n),
        base_perplexity=_exp(base_R.sum() / tokens_R.sum()),
        tuned_perplexity=_exp(tuned_R.sum() / tokens_R.sum()),
    )


def _not_negative(found: Interval) -> Interval:
    return Interval(max(0.0, found.mean), max(0.0, found.low), found.high, found.n)


def _share(found: Interval) -> Interval:
    return Interval(found.mean, max(0.0, found.low), min(1.0, found.high), found.n)


def _exp(nats: float) -> float:
    """Finite: JSON knows no infinity, and beyond e^50 a perplexity says nothing more."""
    return math.exp(min(50.0, nats))
