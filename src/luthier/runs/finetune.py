"""The main story: from raw rows to a judged, tuned model.

Each stage leaves its result in the run folder and is passed over when that is already there, so a run that was
stopped anywhere, by Ctrl-C or by force, goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from luthier.advice.costs import EnergyReading, joules_between, read_counters
from luthier.errors import DataError
from luthier.evaluation import (
    ArmResult,
    ClassicalBaseline,
    Verdict,
    classical_baseline,
    decide,
    passages_sentence,
    without_passages,
)
from luthier.evaluation.graders import GraderMetric
from luthier.evaluation.statistics import plan_evaluation
from luthier.events import Event, Noticed, StageStarted, VerdictReached
from luthier.recipe import TUNED_ARMS, Recipe
from luthier.runs.arms.arm import Judging, is_answered, judging_of, load_arm, obstacles
from luthier.runs.arms.asking import asking
from luthier.runs.arms.graders import open_graders, with_grades, with_rows
from luthier.runs.arms.item_groups import groups_of_golden
from luthier.runs.arms.stage import answer_tuned, answer_untuned, missing_tuned, missing_untuned
from luthier.runs.decisions import FACTS_FILE, earlier_decision, write_decisions
from luthier.runs.encoding import encode_data
from luthier.runs.environment import describe_environment
from luthier.runs.folder import RunFolder
from luthier.runs.forgetting.stage import measure_forgetting, regression_items, with_canaries
from luthier.runs.prepare import PreparedData, load_prepared, prepare_data
from luthier.runs.reports.advice import write_advice
from luthier.runs.reports.ledger import write_ledger
from luthier.runs.reports.licence import write_licence
from luthier.runs.reports.reporting import write_run_report
from luthier.runs.training_only import train_only
from luthier.runs.tuning import (
    build_training,
    earlier_choice,
    expected_cost,
    is_tuned,
    load_tuned,
    make_adapter,
    resolve,
    tune,
)
from luthier.runs.workbench import (
    Workbench,
    answering_note,
    load_base,
    set_up,
)
from luthier.training import fit_into_memory, forget_peak, peak_held_bytes


def finetune(folder: RunFolder, wants_stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Run (or go on with) the run in ``folder``; every event is also appended to its `events.jsonl`.

    Raises LuthierError for whatever the user can mend, and Interrupted after ``wants_stop()`` turned true.
    """
    recipe = folder.recipe
    with folder.lock(), open_graders(recipe.evaluation) as graders:
        for event in _stages(folder, recipe, graders, wants_stop):
            folder.record(event)
            yield event


def _stages(
    folder: RunFolder, recipe: Recipe, graders: tuple[GraderMetric, ...], wants_stop: Callable[[], bool]
) -> Iterator[Event]:
    if recipe.run.ends_after == "training":
        yield from train_only(folder, recipe, wants_stop)
        return
    regression_items(recipe)  # a file that cannot be used is told before anything is computed
    bench = set_up(recipe, earlier_decision(folder, "model.precision"))
    yield from prepare_data(folder, recipe.data)
    data = load_prepared(folder)
    groups = groups_of_golden(folder, data.golden, recipe.evaluation.group_by)
    judging = judging_of(data.golden, recipe.evaluation, data.kind, with_rows(graders, folder, data), groups)
    yield from _what_can_be_found(judging, recipe)
    if not is_tuned(folder):
        yield from _untuned_arms_and_training(folder, recipe, bench, data, judging, wants_stop)
    elif missing_untuned(folder, recipe.evaluation):
        # The winner of a sweep was tuned before any arm had answered; or a remote arm had failed.
        yield from _untuned_arms(folder, recipe, bench, data, judging, load_base(bench, recipe), wants_stop)
    missing = missing_tuned(folder, recipe.evaluation)
    model: torch.nn.Module | None = None
    if missing:
        yield StageStarted("evaluate", "the tuned model")
        model = load_tuned(recipe, bench, folder)
        yield from answer_tuned(asking(folder, recipe, bench, data, judging, model, wants_stop), missing)
    yield from measure_forgetting(folder, recipe, bench, data, model, wants_stop)
    yield from _judge(folder, recipe, bench, data, judging)


def _what_can_be_found(judging: Judging, recipe: Recipe) -> Iterator[Event]:
    """Said before anything is spent: too few items cannot show a small gain, however good the training."""
    untuned = len([name for name in recipe.evaluation.arm_names if name not in TUNED_ARMS])
    if untuned:
        yield Noticed(plan_evaluation(len(set(judging.groups)) or len(judging.golden), comparisons=untuned).sentence)


def _untuned_arms_and_training(
    folder: RunFolder,
    recipe: Recipe,
    bench: Workbench,
    data: PreparedData,
    judging: Judging,
    wants_stop: Callable[[], bool],
) -> Iterator[Event]:
    """The base answers first, while it is still the base; then the same model in memory is tuned."""
    yield StageStarted("tokenize", f"with {bench.base.name}'s template")
    encoded, events = encode_data(with_canaries(data.train, recipe), data.validation, bench, recipe.data)
    yield from events
    model = load_base(bench, recipe)
    if reason := answering_note(model, bench):
        yield Noticed(f"{bench.base.name}: {reason}")
    yield from _untuned_arms(folder, recipe, bench, data, judging, model, wants_stop)
    training = build_training(recipe, make_adapter(recipe, model, bench), encoded, bench, folder)
    training, memory = fit_into_memory(training, recipe.training, recipe.method, earlier_choice(folder))
    expected = expected_cost(training, memory)
    resolved = resolve(recipe, training, bench, expected)
    write_decisions(folder, encoded.contract, resolved)
    for name in ("training.learning_rate", "model.precision", "training.trained_parameters"):
        yield Noticed(f"{name}: {_readable(resolved[name]['value'])} ({resolved[name]['reason']})")
    yield Noticed(f"training should take about {_readable_minutes(expected.minutes)}")
    forget_peak(bench.device)
    counters = read_counters()
    yield from tune(recipe, training, bench, folder, wants_stop)
    _remember_effort(folder, bench.device, counters)


def _untuned_arms(
    folder: RunFolder,
    recipe: Recipe,
    bench: Workbench,
    data: PreparedData,
    judging: Judging,
    model: torch.nn.Module,
    wants_stop: Callable[[], bool],
) -> Iterator[Event]:
    missing = missing_untuned(folder, recipe.evaluation)
    if missing:
        yield StageStarted("evaluate", "the base model")
        yield from answer_untuned(asking(folder, recipe, bench, data, judging, model, wants_stop), missing)


def _judge(
    folder: RunFolder, recipe: Recipe, bench: Workbench, data: PreparedData, judging: Judging
) -> Iterator[Event]:
    yield StageStarted("report")
    # Read before the classical baseline, whose own matrices would be counted as the model's.
    peak_bytes = peak_held_bytes(bench.device)
    names = recipe.evaluation.arm_names
    arms = [load_arm(folder, name) for name in names if is_answered(folder, name)]
    results: list[ArmResult] = [result for result, _ in arms]
    baseline: ClassicalBaseline | None = None
    if recipe.evaluation.classical_baseline and judging.choices:
        baseline = classical_baseline(data.train, data.golden, judging.metrics, judging.choices, recipe.evaluation.seed)
        baseline = replace(baseline, arm=with_grades(baseline.arm, judging.graders, data.golden).result)
    verdict = _verdict(results, judging.primary_metric, baseline, recipe.evaluation.seed, obstacles(folder, names))
    facts: dict[str, Any] = json.loads((folder.path / FACTS_FILE).read_text(encoding="utf-8"))
    facts["environment"] = describe_environment(bench.precision.name, bench.device)
    facts["licence"] = write_licence(folder, recipe, bench.base)
    facts.setdefault("peak_memory_bytes", peak_bytes)
    write_ledger(folder, recipe, bench.base.config, facts)
    write_run_report(folder, recipe, data, judging, arms, verdict, baseline, facts)
    write_advice(folder)
    yield VerdictReached(verdict.decision, verdict.sentence)


def _verdict(
    results: Sequence[ArmResult],
    metric: str,
    baseline: ClassicalBaseline | None,
    seed: int,
    obstacles_told: tuple[str, ...],
) -> Verdict:
    """On tuning alone; what passages add to it, and which arms did not run, is told among the reasons."""
    if not results:
        raise DataError(
            f"no arm could run. {' '.join(obstacles_told)}",
            expected="at least one arm that answers",
            fix="add base or tuned to evaluation.arms",
        )
    verdict = decide(without_passages(results) or results, metric, baseline, seed)
    gain = passages_sentence(results, metric, seed)
    return replace(verdict, reasons=(*verdict.reasons, *((gain,) if gain else ()), *obstacles_told))


def _remember_effort(folder: RunFolder, device: torch.device, before: EnergyReading) -> None:
    """Of this process; what an interrupted one used before it is scaled up in the ledger."""
    after = read_counters()
    facts = json.loads((folder.path / FACTS_FILE).read_text(encoding="utf-8"))
    facts["peak_memory_bytes"] = peak_held_bytes(device)
    facts["energy"] = {"joules": joules_between(before, after), "seconds": after.taken_at - before.taken_at}
    folder.write_text(FACTS_FILE, json.dumps(facts, indent=2))


def _readable(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}" if isinstance(value, float) else str(value)


def _readable_minutes(minutes: float) -> str:
    return f"{minutes:.1f} minutes" if minutes >= 2 else f"{max(1, round(minutes * 60))} seconds"
