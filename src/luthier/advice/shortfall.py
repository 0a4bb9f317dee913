"""Advice when nothing measured is good, fast or cheap enough: what has not been tried, else data, else the goal."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.advice.evidence import TUNED_KINDS, Evidence, Kind, MeasuredArm
from luthier.advice.findings import Advice, Notes

# What OpenAI's fine-tuning guide calls a beginning (50 to 100 examples); our preflight warns below it, too.
FEWEST_TRAINING_ROWS = 50
# Where the right passage is shown this often and no arm answers, it is the reading that fails, not the search.
MOSTLY_FOUND = 0.8
# Doubling a set of this size is cheap, and its learning curve is usually still steep.
FEW_TRAINING_ROWS = 500


def advise_when_short(evidence: Evidence, kinds: Sequence[Kind], arms: Sequence[MeasuredArm], notes: Notes) -> Advice:
    """``arms`` are those measured within bounds; all of them fall short."""
    if arms:
        best = max(arms, key=lambda arm: arm.mean)
        notes = notes.because(
            f"The best arm, {best.name}, reaches {100 * best.high:.1f} points at most.", arm=best.name, high=best.high
        )
    else:
        notes = notes.because("No measured arm may be used within the bounds that were set.")
    if untried := _untried(evidence, kinds):
        notes = notes.step("What was not tried yet?", untried, "measure it")
        notes = notes.unless(f"a measurement of {untried} that falls short as well")
        if untried == "rag":
            sentence = "Retrieve: no measured arm is enough, the goal is knowledge, and retrieval was not measured."
            return notes.conclude("rag", sentence, "assumed")
        if untried == "tune+rag":
            sentence = "Tune and retrieve: no measured arm is enough, and the two together were not measured."
            return notes.conclude("tune+rag", sentence, "assumed")
        sentence = "Tune: no measured arm is enough, there are rows to learn from, and tuning was not measured."
        return notes.conclude("tune", sentence, "assumed")
    found = evidence.passages_found
    if evidence.goal in ("knowledge", "both") and found is not None and found >= MOSTLY_FOUND and "rag" in kinds:
        notes = notes.step("Are the right passages found?", f"for {100 * found:.1f} % of the items", "retrieve")
        notes = notes.because(
            f"The right passage stood in the prompt of {100 * found:.1f} % of the items, and this base model could "
            "not use it: facts are found by retrieval, and what is missing is a model that can read.",
            passages_found=found,
        )
        notes = notes.unless("a stronger base model that falls short with the same passages")
        sentence = "Retrieve, with a base model that can read: the passages are found, this one cannot use them."
        return notes.conclude("rag", sentence, "measured")
    if reason := _data_would_help(evidence, kinds, arms):
        notes = notes.step("Would more or better data help?", reason, "collect data")
        notes = notes.because(reason, rows=evidence.rows).unless("a curve that stays flat: luthier probe")
        return notes.conclude("collect data", f"Collect data: {reason}", "measured" if evidence.probe else "assumed")
    notes = notes.step("Would more or better data help?", "nothing says so", "revisit the goal")
    notes = notes.unless("a stronger base model", "a lower target", "an easier task: fewer cases, a checked answer")
    return notes.conclude(
        "revisit the goal", "Revisit the goal: everything that was tried falls short, and nothing says why.", "measured"
    )


def _untried(evidence: Evidence, kinds: Sequence[Kind]) -> Kind | None:
    tried = {arm.kind for arm in evidence.arms}
    has_rows = (evidence.rows or 0) >= FEWEST_TRAINING_ROWS
    needs_facts = evidence.goal in ("knowledge", "both")
    if needs_facts and evidence.documents is not False and not tried & {"rag", "tune+rag"}:
        return "rag"
    if not has_rows or evidence.goal == "knowledge":
        return None
    if "tune" in kinds and not tried & set(TUNED_KINDS):
        return "tune"
    can_combine = "tune+rag" in kinds and "tune+rag" not in tried and "rag" in tried
    return "tune+rag" if can_combine and needs_facts else None


def _data_would_help(evidence: Evidence, kinds: Sequence[Kind], arms: Sequence[MeasuredArm]) -> str | None:
    probe, asked = evidence.probe, evidence.targets.score
    if "tune" not in kinds and "tune+rag" not in kinds:
        return None
    if probe and probe.limit == "quality":
        return "the learning curve says that the quality of the rows, not their number, is the limit."
    if probe:
        tuned = max((arm.mean for arm in arms if arm.kind in TUNED_KINDS), default=None)
        reaches = asked is None or tuned is None or tuned + probe.high >= asked
        gain = f"{100 * probe.gain:.1f} ({100 * probe.low:.1f} to {100 * probe.high:.1f}) points"
        return f"twice the rows should add {gain}." if probe.low > 0 and reaches else None
    if evidence.rows is not None and evidence.rows < FEW_TRAINING_ROWS:
        return f"there are only {evidence.rows:,} rows; a probe would say what more of them bring."
    return None
