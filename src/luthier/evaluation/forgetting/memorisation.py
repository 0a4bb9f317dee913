"""Were training rows learnt by heart? Their answers are continued and scored against rows never trained on.

"Verbatim" means that from the first half of an answer on, every next token is the model's likeliest: greedy decoding
would write the rest as it stands. Some rows are foreseeable without any training on them; the held-out rows say how
many (Carlini et al. 2023, *Quantifying Memorization*, with a control group).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from luthier.evaluation.forgetting.drift import Reading
from luthier.evaluation.forgetting.thresholds import FEWEST_VERBATIM_TOKENS, THRESHOLDS, Colour
from luthier.evaluation.statistics import Interval, mean_interval


@dataclass(frozen=True)
class Memorisation:
    """Shares of answers that the tuned model continues verbatim, and the same for the base as a control.

    ``gap`` is training minus held-out rows, with Newcombe's interval for two independent shares.
    """

    train: Interval
    held_out: Interval
    base_train: float
    base_held_out: float
    gap: float
    low: float
    high: float
    colour: Colour
    sentence: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def judge_memorisation(train: Sequence[Reading], held_out: Sequence[Reading]) -> Memorisation | None:
    """Each reading holds the answer's tokens; None where fewer than ten answers of either kind are long enough."""
    told = [[reading for reading in readings if _is_telling(reading)] for readings in (train, held_out)]
    if min(map(len, told)) < 10:
        return None
    seen, unseen = (mean_interval([_is_verbatim(reading.tuned_hits_C) for reading in part]) for part in told)
    base_seen, base_unseen = (_mean([_is_verbatim(reading.base_hits_C) for reading in part]) for part in told)
    gap = seen.mean - unseen.mean
    low = gap - math.hypot(seen.mean - seen.low, unseen.high - unseen.mean)
    high = gap + math.hypot(seen.high - seen.mean, unseen.mean - unseen.low)
    colour = THRESHOLDS["verbatim_gap"].colour(gap) if low > 0 else "green"
    sentence = (
        f"The tuned model continues {100 * seen.mean:.0f} % of {seen.n} training answers word for word from their "
        f"middle on, and {100 * unseen.mean:.0f} % of {unseen.n} held-out ones "
        f"(gap {100 * gap:.0f} points, {100 * low:.0f} to {100 * high:.0f})."
    )
    return Memorisation(seen, unseen, base_seen, base_unseen, gap, low, high, colour, sentence)


def _is_telling(reading: Reading) -> bool:
    return len(reading) - len(reading) // 2 >= FEWEST_VERBATIM_TOKENS


def _is_verbatim(hits_C: Any) -> float:
    return float(hits_C[len(hits_C) // 2 :].all())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
