"""From how many requests on tuning has paid for itself, against an arm that needs no training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class BreakEven:
    """``requests`` is None when tuning never pays for itself: its requests cost as much or more."""

    against: str
    training_cost: float
    saved_per_1000_requests: float
    requests: int | None
    months: float | None
    sentence: str

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


def break_even(
    training_cost: float,
    tuned_per_1000: float,
    others_per_1000: Mapping[str, float],
    currency: str,
    requests_per_month: float | None = None,
) -> tuple[BreakEven, ...]:
    """One per other arm; all prices in the same currency."""
    return tuple(
        _against(name, training_cost, price - tuned_per_1000, currency, requests_per_month)
        for name, price in others_per_1000.items()
    )


def _against(name: str, training_cost: float, saved: float, currency: str, monthly: float | None) -> BreakEven:
    if saved <= 0:
        sentence = f"Against {name} tuning never pays for itself: its requests are no cheaper."
        return BreakEven(name, training_cost, saved, None, None, sentence)
    requests = -int(-training_cost * 1000 // saved)
    months = requests / monthly if monthly else None
    when = f", after {_months(months)} at {monthly:,.0f} a month" if months is not None else ""
    sentence = (
        f"Against {name} tuning has paid for itself after {requests:,} requests{when}: each 1,000 save "
        f"{saved:.3g} {currency}, and training cost {training_cost:.3g} {currency}."
    )
    return BreakEven(name, training_cost, saved, requests, months, sentence)


def _months(months: float) -> str:
    return f"{months:.1f} months" if months >= 1 else f"{max(1, round(30 * months))} days"
