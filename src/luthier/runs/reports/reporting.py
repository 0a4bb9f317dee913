"""The last stage of a run: everything its folder holds becomes one report. It can be drawn again at any time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from luthier import __version__
from luthier.errors import StorageError
from luthier.evaluation import ArmResult, ClassicalBaseline, Verdict, judge_overfitting
from luthier.evaluation import report as pages
from luthier.recipe import Recipe
from luthier.runs.arms.arm import Judging
from luthier.runs.folder import RunFolder
from luthier.runs.prepare import PreparedData
from luthier.runs.reports.curves import last_of_each_step
from luthier.runs.reports.items import browse_run, shown_items
from luthier.runs.reports.parts import left, with_advice, with_parts

TITLES = {
    "base": "Base as it is",
    "prompt": "Base + task prompt",
    "found-prompt": "Base + found prompt",
    "few-shot": "Base + few-shot",
    "rag": "Base + RAG",
    "tuned": "Tuned",
    "tuned-rag": "Tuned + RAG",
}


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
        items=shown_items(results, judging),
    )
    return _write(folder, with_parts(folder, report), decide=True)


def rebuild_report(folder: RunFolder) -> pages.ReportFiles:
    """Write the pages of a finished run again, with whatever its folder has come to hold since.

    The verdict stays as it was judged. Raises StorageError where there is none yet.
    """
    found = left(folder, "report.json")
    if not found:
        raise StorageError(
            f"{folder.path} holds no report.json",
            expected="a run that has reached its verdict",
            fix=f"luthier resume {folder.path}",
        )
    return _write(folder, with_parts(folder, pages.validate_report(found)), decide=False)


def _write(folder: RunFolder, report: pages.Report, *, decide: bool) -> pages.ReportFiles:
    whole, path = with_advice(folder, report, decide=decide)
    beside = pages.Beside(browse_run(folder, whole.arms, whole.primary_metric), path)
    return pages.write_report(folder.path, whole, beside)


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
        better_wins=pair.better_wins,
        worse_wins=pair.worse_wins,
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


def _rollbacks(folder: RunFolder) -> int:
    """Each is numbered, so one that was told twice counts once."""
    return max((event["rollbacks"] for event in folder.events() if event["event"] == "RolledBack"), default=0)
