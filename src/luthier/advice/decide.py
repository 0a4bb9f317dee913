"""Prompt, retrieve or tune? A pure function from evidence to advice, to be tested with tables and argued with."""

from __future__ import annotations

from luthier.advice.assumed import advise_from_assumptions
from luthier.advice.evidence import Evidence
from luthier.advice.findings import Advice, Notes
from luthier.advice.limits import allowed_kinds
from luthier.advice.measured import advise_from_arms, is_measured


def decide_approach(evidence: Evidence) -> Advice:
    """What is ruled out comes first; then what was measured; only without measurements the field's usual order."""
    kinds, notes = allowed_kinds(evidence, Notes())
    if not is_measured(evidence):
        return advise_from_assumptions(evidence, kinds, notes)
    arms = f"{len(evidence.arms)} on {max(arm.n for arm in evidence.arms):,} items"
    notes = notes.step("Were at least two arms measured, on enough items?", arms, "yes: judge by what was measured")
    return advise_from_arms(evidence, kinds, notes)
