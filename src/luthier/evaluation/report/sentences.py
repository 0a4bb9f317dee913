"""What a report's figures say in words; the page and the model card use the same ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from luthier.evaluation.report.schema import Comparison, Report
from luthier.evaluation.report.sections import Ledger
from luthier.evaluation.report.wording import (
    JOINT,
    bounds,
    byte_size,
    count,
    items,
    metric_title,
    minutes,
    p_value,
    points,
    rounded_up,
    share,
)

Mark = Literal["better", "open", "worse", "note"]
TUNED = "tuned"
# Passages or not, these answer with the tuned model.
TUNED_ARMS = ("tuned", "tuned-rag")


@dataclass(frozen=True)
class Said:
    """A claim and the figures that carry it. ``mark`` says whether the data settle it, and which way."""

    mark: Mark
    claim: str
    figures: str


def say_comparison(comparison: Comparison, report: Report) -> Said:
    """One paired comparison in words, with the items it would still take when it is open."""
    return say_pair(comparison, report.title_of)


def say_pair(comparison: Comparison, title_of: Callable[[str], str]) -> Said:
    """The same, where ``title_of`` gives an arm's name for people."""
    better, worse = title_of(comparison.better), title_of(comparison.worse)
    gap = f"{points(abs(comparison.difference))} points"
    direction = "above" if comparison.difference >= 0 else "below"
    if comparison.is_settled:
        return Said(mark_of(comparison), f"{better} scores {gap} {direction} {worse}", _figures(comparison))
    if comparison.difference == 0:
        claim = f"No evidence of a difference: {better} and {worse} score the same"
    else:
        claim = f"No evidence of a difference: {better} is {gap} {direction} {worse}"
    return Said("open", claim, _figures(comparison))


def mark_of(comparison: Comparison) -> Mark:
    """A settled comparison is good or bad news for the tuned arm, and neither when others are compared."""
    if not comparison.is_settled:
        return "open"
    if TUNED not in (comparison.better, comparison.worse):
        return "note"
    return "better" if (comparison.better == TUNED) == (comparison.difference > 0) else "worse"


def _figures(comparison: Comparison) -> str:
    p = p_value(comparison.p) if comparison.adjusted_p is None else f"adjusted {p_value(comparison.adjusted_p)}"
    difference = f"95{JOINT}% interval of the difference {bounds(comparison.low, comparison.high, signed=True)} points"
    said = f"{metric_title(comparison.metric)}, {difference}, {p}, {items(comparison.n)}"
    if comparison.better_wins is not None and comparison.worse_wins is not None:
        said += f"; higher on {count(comparison.better_wins)} items, lower on {count(comparison.worse_wins)}"
    if comparison.more_items_needed and not comparison.is_settled:
        said += f"; about {count(rounded_up(comparison.more_items_needed))} more items like these would settle it"
    return said


def say_saving(ledger: Ledger) -> str:
    """What folding saved."""
    given, computed = ledger.given_tokens, ledger.computed_tokens
    if not given:
        return "No tokens were trained on."
    if computed >= given:
        return "Folding saved nothing: no two examples of a step shared a beginning."
    return (
        f"Folding shared beginnings spared {share(given - computed, given)} of the computation: "
        f"{count(computed)} of {count(given)} tokens went through the model."
    )


def say_prediction(ledger: Ledger) -> str:
    """Predicted against actual, where both are known."""
    said = []
    predicted, actual = ledger.predicted, ledger.actual
    if predicted.minutes and actual.minutes:
        said.append(f"{minutes(actual.minutes)} against {minutes(predicted.minutes)} predicted")
    if predicted.peak_memory_bytes and actual.peak_memory_bytes:
        peak, expected = byte_size(actual.peak_memory_bytes), byte_size(predicted.peak_memory_bytes)
        said.append(f"{peak} at the peak against {expected} predicted")
    return f"Training took {', '.join(said)}." if said else ""
