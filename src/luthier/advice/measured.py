"""Advice from arms that answered the same golden items: the cheapest among those that nothing beats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import assert_never

from luthier.advice.evidence import EFFORT, TUNED_KINDS, Evidence, Kind, MeasuredArm, MeasuredDifference
from luthier.advice.findings import Advice, Answer, Notes
from luthier.advice.limits import arms_within_targets
from luthier.advice.shortfall import advise_when_short

# With fewer arms or items there is nothing that one could call measured.
FEWEST_ARMS = 2
FEWEST_ITEMS = 10
# Where even the best arm answers fewer than one in ten, no arm can do the task.
HOPELESS_SCORE = 0.1


def is_measured(evidence: Evidence) -> bool:
    counted = [arm for arm in evidence.arms if arm.n >= FEWEST_ITEMS]
    return len(counted) >= FEWEST_ARMS


def advise_from_arms(evidence: Evidence, kinds: Sequence[Kind], notes: Notes) -> Advice:
    """The advice when at least two arms were measured; ``kinds`` are those that may be advised."""
    arms = tuple(arm for arm in evidence.arms if arm.kind in kinds and arm.n >= FEWEST_ITEMS)
    if not arms:
        notes = notes.step("Is an arm left that may be used?", "no", "look further")
        return advise_when_short(evidence, kinds, (), notes)
    arms, notes = arms_within_targets(arms, evidence, notes)
    if not arms:
        return advise_when_short(evidence, kinds, (), notes)
    best = max(arms, key=lambda arm: arm.mean)
    asked = evidence.targets.score
    if asked is not None:
        reaching = [arm for arm in arms if arm.low >= asked]
        found = ", ".join(f"{arm.name} {_interval(arm)}" for arm in reaching) or f"none; the best is {_scored(best)}"
        notes = notes.step(f"Which arms surely reach {_points(asked)} points?", found, "look at their cost")
        if not reaching and best.high < asked:
            return advise_when_short(evidence, kinds, arms, notes)
        pool = reaching or equals_of(best, arms, evidence.differences)
    else:
        if best.high < HOPELESS_SCORE:
            notes = notes.step("Can any arm do the task?", f"the best is {_scored(best)}", "no: look further")
            return advise_when_short(evidence, kinds, arms, notes)
        pool = equals_of(best, arms, evidence.differences)
    names = ", ".join(_scored(arm) for arm in pool)
    notes = notes.step("Which arms does nothing beat?", names, "take the cheapest of them")
    chosen = cheapest_first(pool, evidence)[0]
    notes = _explain(chosen, best, arms, evidence, notes)
    return _conclude(chosen, pool, arms, evidence, kinds, notes)


def equals_of(
    best: MeasuredArm, arms: Sequence[MeasuredArm], differences: Sequence[MeasuredDifference]
) -> list[MeasuredArm]:
    """``best`` and all arms that nothing beats: by the paired comparison where there is one, else by intervals."""
    return [arm for arm in arms if arm is best or not any(beats(other, arm, differences) for other in arms)]


def beats(first: MeasuredArm, second: MeasuredArm, differences: Sequence[MeasuredDifference]) -> bool:
    """Whether ``first`` is decidedly better. Without a paired comparison: Newcombe's (1998) interval, method 10."""
    for pair in differences:
        if {pair.better, pair.worse} == {first.name, second.name}:
            return pair.is_settled and pair.better == first.name
    return first.mean - second.mean - math.hypot(first.mean - first.low, second.high - second.mean) > 0


def cheapest_first(arms: Sequence[MeasuredArm], evidence: Evidence) -> list[MeasuredArm]:
    """By money over a year where every arm's cost and the volume are known, else by work; then by score."""
    return sorted(arms, key=lambda arm: (_yearly(arm, arms, evidence), EFFORT.index(arm.kind), -arm.mean))


def _yearly(arm: MeasuredArm, arms: Sequence[MeasuredArm], evidence: Evidence) -> float:
    volume, once = evidence.targets.requests_per_month, evidence.hardware.training_cost
    needs_training = any(other.kind in TUNED_KINDS for other in arms)
    if volume is None or (once is None and needs_training):
        return 0.0
    if any(other.cost_per_1000_requests is None for other in arms):
        return 0.0
    running = 12 * volume * (arm.cost_per_1000_requests or 0.0) / 1000
    return running + (once or 0.0 if arm.kind in TUNED_KINDS else 0.0)


def _explain(
    chosen: MeasuredArm, best: MeasuredArm, arms: Sequence[MeasuredArm], evidence: Evidence, notes: Notes
) -> Notes:
    notes = notes.because(f"{_scored(chosen)} on {chosen.n:,} items.", **_figures(chosen))
    if chosen is not best:
        notes = notes.because(
            f"{_scored(best)}: not decidedly better, and it costs more.",
            **_figures(best),
        )
        wanted = _more_items(best, chosen, evidence.differences)
        more = f"about {wanted:,} more golden items" if wanted else "many more golden items"
        notes = notes.unless(f"{more}, if they showed that {best.name} is better after all")
    for other in arms:
        if other is not chosen and other is not best and beats(chosen, other, evidence.differences):
            notes = notes.because(f"It beats {_scored(other)}.", **_figures(other))
    if chosen is best and len(arms) > 1 and EFFORT.index(chosen.kind) > 1:
        second = max((arm for arm in arms if arm is not chosen), key=lambda arm: arm.mean)
        notes = notes.unless(f"{second.name} improved to within its interval of {chosen.name}")
    if evidence.targets.score is None:
        notes = notes.unless("a score that is asked for and that it does not reach: --set target_score=0.9")
    for other in evidence.arms:
        if other.kind == "classifier" and other not in arms and not beats(chosen, other, evidence.differences):
            notes = notes.because(
                f"{_scored(other)}, a classifier without any language model, does as well on these items.",
                **_figures(other),
            )
            notes = notes.unless("that a label is all you need: --set needs_language_model=false")
    if evidence.goal == "knowledge" and not any(arm.kind in ("rag", "tune+rag") for arm in evidence.arms):
        notes = notes.unless("an arm rag, which was not measured: knowledge is usually better retrieved")
    return notes


def _conclude(
    chosen: MeasuredArm,
    pool: Sequence[MeasuredArm],
    arms: Sequence[MeasuredArm],
    evidence: Evidence,
    kinds: Sequence[Kind],
    notes: Notes,
) -> Advice:
    if overtaken := _would_be_overtaken(chosen, arms, evidence, kinds):
        notes = notes.because(overtaken).unless(f"staying with {chosen.name}, if collecting costs more than it gains")
        return notes.conclude("collect data", f"Collect data: {overtaken}", "measured", chosen.name)
    if evidence.probe and evidence.probe.low > 0 and chosen.kind in TUNED_KINDS:
        notes = notes.unless(f"twice the rows: they should add {_gain(evidence)}, and the choice stays the same")
    why = _why(chosen, pool, arms, evidence)
    answer, do = _words(chosen.kind)
    if evidence.forgetting == "red" and chosen.kind in TUNED_KINDS:
        notes = notes.because(
            "This run forgot too much to be shipped: tune again as its remedies say.", forgetting="red"
        )
        notes = notes.unless("a gentler run that scores no better than an untuned arm")
        do = f"{do}, but gentler than in this run, which forgot too much to be shipped"
    return notes.conclude(answer, f"{do}: {_scored(chosen)}, {why}.", "measured", chosen.name)


def _words(kind: Kind) -> tuple[Answer, str]:
    match kind:
        case "classifier":
            return "revisit the goal", "No language model is needed"
        case "prompt":
            return "prompt", "A prompt is enough"
        case "few-shot":
            return "few-shot", "Examples in the prompt are enough"
        case "rag":
            return "rag", "Retrieve"
        case "tune":
            return "tune", "Tune"
        case "tune+rag":
            return "tune+rag", "Tune and retrieve"
    assert_never(kind)


def _why(chosen: MeasuredArm, pool: Sequence[MeasuredArm], arms: Sequence[MeasuredArm], evidence: Evidence) -> str:
    asked = evidence.targets.score
    if asked is not None and chosen.low >= asked:
        return f"the cheapest that surely reaches {_points(asked)}"
    if any(EFFORT.index(arm.kind) < EFFORT.index(chosen.kind) for arm in pool):
        return "the cheapest over a year at this volume, and nothing is decidedly better"
    if len(arms) == 1:
        return "the only measured arm that may be used"
    if len(pool) > 1:
        return "and nothing dearer is decidedly better"
    return "decidedly better than every other arm that may be used"


def _would_be_overtaken(
    chosen: MeasuredArm, arms: Sequence[MeasuredArm], evidence: Evidence, kinds: Sequence[Kind]
) -> str | None:
    """Tuning with twice the rows would be decidedly better, says the probe; None where it would not."""
    probe, asked = evidence.probe, evidence.targets.score
    tuned = next((arm for arm in arms if arm.kind == "tune"), None)
    is_served = asked is not None and chosen.low >= asked
    if not probe or not tuned or chosen.kind in TUNED_KINDS or is_served or probe.limit == "quality":
        return None
    if "tune" not in kinds or tuned.mean + probe.low <= chosen.high:
        return None
    return f"with twice the rows tuning should gain {_gain(evidence)} and overtake {chosen.name}."


def _more_items(first: MeasuredArm, second: MeasuredArm, differences: Sequence[MeasuredDifference]) -> int | None:
    pairs = (pair for pair in differences if {pair.better, pair.worse} == {first.name, second.name})
    return next((pair.more_items_needed for pair in pairs), None)


def _gain(evidence: Evidence) -> str:
    probe = evidence.probe
    return f"{100 * probe.gain:+.1f} ({100 * probe.low:.1f} to {100 * probe.high:.1f}) points" if probe else ""


def _figures(arm: MeasuredArm) -> dict[str, object]:
    return {"arm": arm.name, "mean": arm.mean, "low": arm.low, "high": arm.high, "n": arm.n}


def _scored(arm: MeasuredArm) -> str:
    return f"{arm.name} {_points(arm.mean)} {_interval(arm)}"


def _interval(arm: MeasuredArm) -> str:
    return f"({_points(arm.low)} to {_points(arm.high)})"


def _points(share: float) -> str:
    return f"{100 * share:.1f}"
