"""The last stage of a run: everything its folder holds becomes one report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from luthier import __version__
from luthier.evaluation import ArmResult, ClassicalBaseline, Verdict, judge_overfitting
from luthier.evaluation import report as pages
from luthier.recipe import Recipe
from luthier.runs.arms import Judging
from luthier.runs.curves import last_of_each_step
from luthier.runs.folder import RunFolder
from luthier.runs.prepare import PreparedData

TITLES = {
    "base": "Base as it is",
    "prompt": "Base + task prompt",
    "found-prompt": "Base + found prompt",
    "few-shot": "Base + few-shot",
    "rag": "Base + RAG",
    "tuned": "Tuned",
    "tuned-rag": "Tuned + RAG",
}
SHOWN_ITEMS = 10


def write_run_report(
    folder: RunFolder,
    recipe: Recipe,
    data: PreparedData,
    judging: Judging,
    arms: Sequence[tuple[ArmResult, tuple[str, ...]]],
    verdict: Verdict,
    baseline: ClassicalBaseline | None,
    facts: dict[str, Any],
) -> pages.ReportFiles:
    """``facts``: contract, resolved, environment and peak_memory_bytes, as the stages left them."""
    results = [result for result, _ in arms]
    steps = last_of_each_step(folder, "StepFinished")
    resolved = facts["resolved"]
    report = pages.Report(
        verdict=pages.Verdict(decision=verdict.decision, sentence=verdict.sentence, reasons=verdict.reasons),
        run=pages.RunInfo(
            id=folder.name,
            luthier_version=__version__,
            created=datetime.now(UTC),
            base_model=recipe.model.path,
            method=recipe.method.kind,
            recipe=recipe.model_dump(mode="json"),
            resolved={name: decision["value"] for name, decision in resolved.items()},
        ),
        primary_metric=judging.primary_metric,
        arms=tuple(_arm(result, notes) for result, notes in arms),
        comparisons=tuple(_comparison(pair) for pair in verdict.comparisons),
        baseline=_baseline(baseline, verdict, judging.primary_metric),
        preflight=data.preflight,
        contract=facts["contract"],
        overfitting=_overfitting(folder, steps),
        licence=_licence(facts["licence"]),
        ledger=pages.Ledger(
            predicted=pages.Effort(
                minutes=resolved["forecast.minutes"]["value"],
                peak_memory_bytes=resolved["forecast.peak_memory_bytes"]["value"],
            ),
            actual=pages.Effort(
                minutes=sum(step["seconds"] for step in steps) / 60, peak_memory_bytes=facts["peak_memory_bytes"]
            ),
            trained_tokens=sum(step["trained_tokens"] for step in steps),
            given_tokens=sum(step["given_tokens"] for step in steps),
            computed_tokens=sum(step["computed_tokens"] for step in steps),
            steps=len(steps),
            rollbacks=_rollbacks(folder),
        ),
        environment=facts["environment"],
        items=_items(results, judging),
    )
    return pages.write_report(folder.path, report)


def _arm(result: ArmResult, notes: tuple[str, ...]) -> pages.Arm:
    scores = {}
    for metric in result.scores:
        found = result.interval(metric)
        scores[metric] = pages.Score(mean=found.mean, low=found.low, high=found.high, n=found.n)
    count = len(result.answers)
    return pages.Arm(
        name=result.name,
        title=TITLES.get(result.name, result.name),
        metrics=scores,
        tokens_per_request=sum(a.prompt_tokens + a.completion_tokens for a in result.answers) / count,
        seconds_per_request=sum(a.seconds for a in result.answers) / count,
        note="; ".join(notes) or None,
    )


def _comparison(pair: Any) -> pages.Comparison:
    return pages.Comparison(
        better=pair.better,
        worse=pair.worse,
        metric=pair.metric,
        difference=pair.difference,
        low=pair.low,
        high=pair.high,
        p=pair.p,
        adjusted_p=pair.adjusted_p,
        n=pair.n,
        more_items_needed=pair.more_items_needed,
    )


def _baseline(baseline: ClassicalBaseline | None, verdict: Verdict, metric: str) -> pages.Baseline | None:
    if baseline is None:
        return None
    found = baseline.arm.interval(metric)
    return pages.Baseline(
        name=baseline.arm.name,
        metric=metric,
        mean=found.mean,
        low=found.low,
        high=found.high,
        n=found.n,
        seconds=baseline.seconds,
        sentence=verdict.classical_sentence or "",
    )


def _overfitting(folder: RunFolder, steps: Sequence[dict[str, Any]]) -> pages.Overfitting:
    train = tuple((step["step"], step["loss"]) for step in steps)
    validation = tuple((event["step"], event["loss"]) for event in last_of_each_step(folder, "Validated"))
    judged = judge_overfitting(train, validation)
    return pages.Overfitting(
        verdict=judged.verdict,
        sentence=judged.sentence,
        best_step=judged.best_step,
        train_curve=train,
        validation_curve=validation,
    )


def _licence(base: str | None) -> pages.Licence | None:
    return pages.Licence(base=base) if base else None


def _items(results: Sequence[ArmResult], judging: Judging) -> pages.Items:
    """Where tuning helped most and hurt most, against the best untuned answer to the same item."""
    tuned = next((result for result in results if result.name == "tuned"), None)
    others = [result for result in results if result.name != "tuned"]
    if tuned is None or not others:
        return pages.Items()
    metric = judging.primary_metric
    gain = [
        tuned.scores[metric][i] - max(other.scores[metric][i] for other in others) for i in range(len(judging.golden))
    ]
    order = sorted(range(len(gain)), key=lambda i: (-gain[i], -tuned.scores[metric][i], i))
    best, worst = order[:SHOWN_ITEMS], [i for i in order[::-1] if i not in order[:SHOWN_ITEMS]][:SHOWN_ITEMS]
    return pages.Items(
        best=tuple(_item(i, results, judging) for i in best), worst=tuple(_item(i, results, judging) for i in worst)
    )


def _item(index: int, results: Sequence[ArmResult], judging: Judging) -> pages.Item:
    example = judging.golden[index]
    prompt = "\n\n".join(m.content if m.role == "user" else f"[{m.role}] {m.content}" for m in example.prompt)
    answers = {
        result.name: pages.ItemAnswer(
            text=result.answers[index].text, score=result.scores[judging.primary_metric][index]
        )
        for result in results
    }
    return pages.Item(index=index, prompt=prompt, reference=example.answer.content, answers=answers)


def _rollbacks(folder: RunFolder) -> int:
    """Each is numbered, so one that was told twice counts once."""
    return max((event["rollbacks"] for event in folder.events() if event["event"] == "RolledBack"), default=0)
