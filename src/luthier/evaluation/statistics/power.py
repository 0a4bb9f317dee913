"""Before a run: how sure a true difference is to be found, by how many items, and the smallest that is worth testing.

Everything is about the test that decides in the end: exact McNemar on the items of a paired comparison. A difference
of 5 points can come from 5 % of the items that change (all for the better) or from 25 % (15 better, 10 worse); that
share is the *discordance*, and the larger it is, the more items are needed.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from luthier.evaluation.statistics.distributions import log_factorials
from luthier.evaluation.statistics.scores import normal_quantile

Floats = NDArray[np.float64]

MOST_EXACT_ITEMS = 20_000
MOST_ITEMS = 10_000_000
TAIL_DEVIATIONS = 8
AGREEMENT = 0.5


def expected_discordance(share: float, difference: float, agreement: float = AGREEMENT) -> float:
    """Share of items on which two arms differ, from the base's share right and the correlation of being right.

    Two arms of one base usually agree with a correlation between 0.4 and 0.7. Never less than the difference itself.
    """
    other = min(1.0, max(0.0, share + difference))
    both_wrong_ways = share * (1 - other) + other * (1 - share)
    shared = 2 * agreement * math.sqrt(share * (1 - share) * other * (1 - other))
    return min(1.0, max(abs(difference), both_wrong_ways - shared))


def paired_power(items: int, difference: float, discordance: float, confidence: float = 0.95) -> float:
    """Chance that exact McNemar finds a true difference, in the right direction; summed over all outcomes.

    With groups, give the number of items they are worth. Beyond 20,000 items the closed form is used.
    """
    _check(difference, discordance)
    if items < 1 or discordance == 0:
        return 0.0
    if items > MOST_EXACT_ITEMS:
        return closed_form_power(items, difference, discordance, confidence)
    logs = log_factorials(items)
    changed_D = _likely(items, discordance)
    chance_D = np.exp(_log_binomial(logs, items, changed_D, discordance))
    wins_W = np.arange(changed_D[-1] + 1)
    # The wins of the better arm among D changed items: those that a fair coin would rarely reach are a decision.
    coin_DW = np.exp(_log_binomial(logs, changed_D[:, None], wins_W, 0.5))
    tail_DW = np.cumsum(coin_DW[:, ::-1], axis=1)[:, ::-1]
    win_share = (discordance + abs(difference)) / (2 * discordance)
    won_DW = np.exp(_log_binomial(logs, changed_D[:, None], wins_W, win_share))
    is_found_DW = (2 * tail_DW <= (1 - confidence) * (1 + 1e-9)) & (wins_W <= changed_D[:, None])
    return min(1.0, float((chance_D[:, None] * won_DW * is_found_DW).sum()))


def closed_form_power(items: float, difference: float, discordance: float, confidence: float = 0.95) -> float:
    """Connor 1987: the same for McNemar's test without exactness, a few points higher while few items change."""
    _check(difference, discordance)
    if difference == 0 or discordance == 0:
        return (1 - confidence) / 2
    spread = math.sqrt(max(discordance - difference**2, 1e-12))
    reached = abs(difference) * math.sqrt(items) - normal_quantile(confidence) * math.sqrt(discordance)
    return NormalDist().cdf(reached / spread)


def items_for_power(difference: float, discordance: float, power: float = 0.8, confidence: float = 0.95) -> int:
    """The fewest items that find this true difference with ``power``; at most ten million."""
    _check(difference, discordance)
    if difference == 0:
        raise ValueError("no number of items finds a difference of zero")
    few, many = 0, 16
    while paired_power(many, difference, discordance, confidence) < power:
        few, many = many, many * 2
        if many > MOST_ITEMS:
            return MOST_ITEMS
    while many - few > 1:
        middle = (few + many) // 2
        is_enough = paired_power(middle, difference, discordance, confidence) >= power
        few, many = (few, middle) if is_enough else (middle, many)
    return many


def detectable_difference(
    items: int,
    share: float = 0.5,
    power: float = 0.8,
    confidence: float = 0.95,
    *,
    agreement: float = AGREEMENT,
    discordance: float | None = None,
) -> float | None:
    """The smallest gain over a base that gets ``share`` right which so many items find with ``power``.

    None where not even a perfect arm would be found. ``discordance``, where known, replaces the guess from
    ``share`` and ``agreement``.
    """
    low, high = 0.0, (1 - share) if discordance is None else min(discordance, 1 - share)
    if high <= 0:
        return None

    def power_at(difference: float) -> float:
        changing = expected_discordance(share, difference, agreement) if discordance is None else discordance
        return paired_power(items, difference, max(changing, difference), confidence)

    if power_at(high) < power:
        return None
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (low, middle) if power_at(middle) >= power else (middle, high)
    return high


def _check(difference: float, discordance: float) -> None:
    if not 0 <= discordance <= 1 or abs(difference) > discordance + 1e-12:
        raise ValueError("the discordance lies between the difference and 1")


def _likely(items: int, share: float) -> NDArray[np.intp]:
    reach = TAIL_DEVIATIONS * math.sqrt(items * share * (1 - share)) + TAIL_DEVIATIONS
    return np.arange(max(0, math.floor(items * share - reach)), min(items, math.ceil(items * share + reach)) + 1)


def _log_binomial(logs: Floats, of: NDArray[np.intp] | int, counts: NDArray[np.intp], share: float) -> Floats:
    """Minus infinity beyond ``of``."""
    rest = np.maximum(np.asarray(of) - counts, 0)
    ways = logs[of] - logs[counts] - logs[rest]
    with np.errstate(divide="ignore", invalid="ignore"):
        wrong = np.where(rest == 0, 0.0, rest * np.log1p(-share)) if share < 1 else np.where(rest == 0, 0.0, -np.inf)
    log_right = math.log(share) if share > 0 else -1e30
    return np.where(counts > of, -np.inf, ways + counts * log_right + wrong)
