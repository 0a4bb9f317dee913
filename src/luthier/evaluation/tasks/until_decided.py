"""Ask items until it is decided whether a model is above a threshold, or better than another; honest at every look.

Items are asked in random order and betted on (statistics/sequential.py). With groups a whole group is one bet, and
the bets are about the mean over groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.evaluation.statistics import EProcess, in_random_order
from luthier.evaluation.tasks.task import Task

UNITS_PER_LOOK = 16


@dataclass(frozen=True)
class Looks:
    """The task's items in the order they are asked: groups of items that are bet on together."""

    units: tuple[tuple[int, ...], ...]

    def rounds(self) -> list[tuple[tuple[int, ...], ...]]:
        return [self.units[start : start + UNITS_PER_LOOK] for start in range(0, len(self.units), UNITS_PER_LOOK)]


def looks_of(task: Task, seed: int) -> Looks:
    members: dict[str, list[int]] = {}
    for index in range(len(task.items)):
        members.setdefault(task.groups[index] if task.groups else str(index), []).append(index)
    units = [tuple(indices) for indices in members.values()]
    return Looks(tuple(units[place] for place in in_random_order(len(units), seed)))


def observed(
    state: EProcess,
    round_units: Sequence[Sequence[int]],
    scores: Mapping[int, float],
    others: Mapping[int, float] | None,
    threshold: float,
) -> EProcess:
    """The evidence after one round: score minus the other model's, or minus the threshold."""
    differences = []
    for unit in round_units:
        gaps = [scores[index] - (threshold if others is None else others[index]) for index in unit]
        differences.append(sum(gaps) / len(gaps))
    return state.after(differences)


def decision_facts(state: EProcess, task: Task, threshold: float | None, asked: int) -> dict[str, Any]:
    low, high = state.interval
    return {
        "decision": state.decision,
        "against": "threshold" if threshold is not None else "model",
        "threshold": threshold,
        "difference": state.difference,
        "low": low,
        "high": high,
        "p": state.p,
        "confidence": state.confidence,
        "asked": asked,
        "items": len(task.items),
        "bets": state.items,
    }


def decision_sentence(state: EProcess, task: Task, names: Sequence[str], threshold: float | None, asked: int) -> str:
    """For people; every figure holds however often one has looked."""
    score = task.primary
    low, high = state.interval
    asked_of = f"after {asked:,} of {len(task.items):,} items"
    if threshold is not None:
        bounds = f"{_percent(low + threshold)} to {_percent(high + threshold)}"
        found = f"{score} {_percent(state.difference + threshold)} ({bounds})"
        match state.decision:
            case "better":
                return f"{names[0]} is above {_percent(threshold)}: {found} {asked_of}."
            case "worse":
                return f"{names[0]} is below {_percent(threshold)}: {found} {asked_of}."
            case None:
                return f"Not decided: {names[0]} against {_percent(threshold)}, {found} {asked_of}."
    found = f"{score} {100 * state.difference:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"
    match state.decision:
        case "better":
            return f"{names[0]} is better than {names[1]}: {found} {asked_of}."
        case "worse":
            return f"{names[0]} is worse than {names[1]}: {found} {asked_of}."
        case None:
            return f"Not decided between {names[0]} and {names[1]}: {found} {asked_of}."


def _percent(share: float) -> str:
    return f"{100 * min(1.0, max(0.0, share)):.1f} %"
