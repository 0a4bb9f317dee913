"""Advice before anything was measured: prompt first, then retrieve, then tune; behaviour is tuned, facts retrieved.

The order is that of OpenAI's guide to optimizing accuracy (platform.openai.com/docs/guides/optimizing-llm-accuracy):
evals, prompt, then retrieval for missing knowledge and tuning for behaviour that instructions do not bring about.
"""

from __future__ import annotations

from collections.abc import Sequence

from luthier.advice.evidence import FAST_CHANGES, Evidence, Freshness, Kind
from luthier.advice.findings import Advice, Notes
from luthier.advice.shortfall import FEWEST_TRAINING_ROWS

MANY_ROWS = 200
FEWEST_SHOTS = 3
HIGH_CONFLICT_SHARE = 0.1
HIGH_UNREADABLE_SHARE = 0.2
CHANGING: tuple[Freshness, ...] = ("monthly", *FAST_CHANGES)


def advise_from_assumptions(evidence: Evidence, kinds: Sequence[Kind], notes: Notes) -> Advice:
    """The field's usual order, as nothing was measured; it says so, and what to measure."""
    counted = f"{len(evidence.arms)} on {max(arm.n for arm in evidence.arms):,} items" if evidence.arms else "none"
    notes = notes.step("Were at least two arms measured, on enough items?", counted, "no: follow the usual order")
    notes = notes.unless("measured arms: luthier run recipe.yaml compares them on your own items")
    if evidence.goal == "unclear":
        notes = notes.step("What is the goal?", "unclear", "revisit the goal")
        notes = notes.because("Without a goal one cannot say which answer is right.", goal="unclear")
        return notes.conclude(
            "revisit the goal", "Revisit the goal: write down ten requests and right answers.", "assumed"
        )
    if evidence.golden_rows == 0:
        notes = notes.step("Are there golden items to judge by?", "none", "collect them")
        notes = notes.because("Without golden items no approach can be told from another.", golden_rows=0)
        return notes.conclude(
            "collect data", "Collect data: 50 to 100 golden items with right answers come first.", "assumed"
        )
    notes = notes.step("What is the goal?", evidence.goal, "go on")
    if evidence.goal in ("knowledge", "both"):
        return _for_knowledge(evidence, kinds, notes)
    return _for_behaviour(evidence, kinds, notes)


def _for_knowledge(evidence: Evidence, kinds: Sequence[Kind], notes: Notes) -> Advice:
    changes = evidence.freshness in CHANGING
    if evidence.prompt_tried == "enough" and not changes:
        return _prompt_is_enough(evidence, notes)
    if evidence.documents is False:
        notes = notes.step("Are there documents that hold the facts?", "no", "collect them")
        notes = notes.because("Facts that are written nowhere can be neither retrieved nor learnt.", documents=False)
        return notes.conclude("collect data", "Collect data: write the facts down, as documents.", "assumed")
    notes = notes.because(
        "The goal is knowledge: retrieval brings facts that can be changed and cited; tuning teaches behaviour.",
        goal=evidence.goal,
        freshness=evidence.freshness,
    )
    tried = evidence.retrieval_tried
    wants_form = evidence.goal == "both" and evidence.strictness == "strict" and evidence.prompt_tried == "not enough"
    notes = notes.step("Was retrieval tried?", tried, "stay" if tried == "enough" else "go on")
    if tried == "not enough" or (wants_form and (evidence.rows or 0) >= MANY_ROWS and tried != "enough"):
        return _tune_and_retrieve(evidence, kinds, notes)
    notes = notes.unless("passages found and yet wrong answers: then tune on top of retrieval")
    return notes.conclude("rag", "Retrieve: the goal is knowledge, which is looked up rather than learnt.", "assumed")


def _tune_and_retrieve(evidence: Evidence, kinds: Sequence[Kind], notes: Notes) -> Advice:
    notes = notes.because("Retrieval or prompt alone was not enough.", retrieval_tried=evidence.retrieval_tried)
    if "tune+rag" not in kinds:
        notes = notes.unless("permission and room to tune", "a better retriever: measure recall@k first")
        return notes.conclude(
            "revisit the goal", "Revisit the goal: retrieval is not enough, and tuning is out.", "assumed"
        )
    if missing := _missing_rows(evidence):
        return _collect(missing, evidence, notes)
    notes = notes.unless("a better retriever: where recall@k is low, no tuning helps")
    return notes.conclude(
        "tune+rag", "Tune and retrieve: facts from passages, and how to use them from rows.", "assumed"
    )


def _for_behaviour(evidence: Evidence, kinds: Sequence[Kind], notes: Notes) -> Advice:
    tried = evidence.prompt_tried
    notes = notes.step("Was a good prompt tried, with examples?", tried, "stay" if tried == "enough" else "go on")
    if tried == "enough":
        return _prompt_is_enough(evidence, notes)
    if tried != "not enough":
        return _try_prompts_first(evidence, notes)
    notes = notes.because(
        "A prompt was not enough for the behaviour.", prompt_tried=tried, strictness=evidence.strictness
    )
    if "tune" not in kinds and "tune+rag" not in kinds:
        return _without_tuning(evidence, notes)
    if missing := _missing_rows(evidence):
        return _collect(missing, evidence, notes)
    if evidence.freshness in FAST_CHANGES:
        return _for_changing_facts(evidence, kinds, notes)
    probe = evidence.probe
    if probe and probe.high <= 0 and probe.limit == "quality":
        return _collect("the learning curve says that the quality of the rows is the limit.", evidence, notes)
    notes = notes.because(f"There are {evidence.rows:,} rows that show it.", rows=evidence.rows)
    notes = notes.unless("a prompt or examples that turn out as good on the same items")
    return notes.conclude("tune", "Tune: the goal is behaviour, a prompt is not enough, and there are rows.", "assumed")


def _for_changing_facts(evidence: Evidence, kinds: Sequence[Kind], notes: Notes) -> Advice:
    if evidence.documents is False or "tune+rag" not in kinds:
        sentence = "Retrieve: the facts change too fast to be learnt, so they have to be written down and looked up."
        return notes.conclude("rag", sentence, "assumed")
    return notes.conclude("tune+rag", "Tune the behaviour, and retrieve the facts, which change too fast.", "assumed")


def _try_prompts_first(evidence: Evidence, notes: Notes) -> Advice:
    notes = notes.because(
        "A prompt costs minutes, and everything else is judged against it.", prompt_tried=evidence.prompt_tried
    )
    notes = notes.unless("a prompt that was measured and is not enough: --set prompt_tried='not enough'")
    if evidence.strictness == "strict" and (evidence.rows or 0) >= FEWEST_SHOTS:
        notes = notes.because("A strict form is shown rather than described.", strictness="strict", rows=evidence.rows)
        return notes.conclude("few-shot", "Show examples in the prompt first: the form is strict.", "assumed")
    return notes.conclude("prompt", "Write a good prompt first, and measure it.", "assumed")


def _prompt_is_enough(evidence: Evidence, notes: Notes) -> Advice:
    notes = notes.because("A prompt is said to be enough.", prompt_tried=evidence.prompt_tried)
    notes = notes.unless("a measurement that shows otherwise", "a price or delay per request that is too high")
    return notes.conclude("prompt", "Keep the prompt: it is enough.", "assumed")


def _without_tuning(evidence: Evidence, notes: Notes) -> Advice:
    if (evidence.rows or 0) >= FEWEST_SHOTS:
        return notes.conclude("few-shot", "Show examples in the prompt: tuning is ruled out.", "assumed")
    return notes.conclude("revisit the goal", "Revisit the goal: a prompt is not enough, and tuning is out.", "assumed")


def _missing_rows(evidence: Evidence) -> str | None:
    rows, checks = evidence.rows, evidence.checks
    if rows is None or rows < FEWEST_TRAINING_ROWS:
        there_are = "it is not known how many rows there are" if rows is None else f"there are {rows:,} rows"
        return f"{there_are}; {FEWEST_TRAINING_ROWS} to 100 good ones are a beginning."
    if checks and checks.stops:
        return f"the rows are not fit to learn from: {checks.stops[0]}."
    if checks and checks.conflicting_share > HIGH_CONFLICT_SHARE:
        return f"{100 * checks.conflicting_share:.0f} % of the rows contradict each other."
    if checks and checks.unreadable_share > HIGH_UNREADABLE_SHARE:
        return f"{100 * checks.unreadable_share:.0f} % of the rows cannot be read."
    return None


def _collect(why: str, evidence: Evidence, notes: Notes) -> Advice:
    notes = notes.step("Are there rows fit to learn from?", why, "collect data").because(why, rows=evidence.rows)
    notes = notes.unless("enough rows that agree with each other")
    return notes.conclude("collect data", f"Collect data: {why}", "assumed")
