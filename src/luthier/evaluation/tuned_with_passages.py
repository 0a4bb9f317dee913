"""What passages add to the tuned model: told beside the verdict, which is about tuning alone."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.evaluation.compare import TUNED, ArmResult, compare_pair

TUNED_WITH_PASSAGES = "tuned-rag"


def without_passages(arms: Sequence[ArmResult]) -> list[ArmResult]:
    """The arms that a verdict on tuning rests on: a tuned model with passages is no untuned opponent."""
    return [arm for arm in arms if arm.name != TUNED_WITH_PASSAGES]


def passages_sentence(arms: Sequence[ArmResult], metric: str, seed: int = 0) -> str | None:
    """Tuned with passages against tuned, paired; None where one of them did not answer."""
    by_name = {arm.name: arm for arm in arms}
    tuned, beside = by_name.get(TUNED), by_name.get(TUNED_WITH_PASSAGES)
    if tuned is None or beside is None:
        return None
    found = compare_pair(beside, tuned, metric, seed=seed)
    direction = "higher" if found.better == TUNED_WITH_PASSAGES else "lower"
    settled = "" if found.is_decided else ", which may be chance"
    margin = f"{100 * found.difference:.1f} points of {metric.replace('_', ' ')} {direction}"
    interval = f"95 % interval {100 * found.low:.1f} to {100 * found.high:.1f}"
    return f"Tuned with passages scores {margin} than tuned without ({interval}){settled}."
