"""The main story: from raw rows to a judged, tuned model.

Each stage leaves its result in the run folder and is passed over when that is already there, so a run that was
stopped anywhere, by Ctrl-C or by force, goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import torch

from luthier.evaluation import (
    ArmResult,
    ClassicalBaseline,
    PromptBudget,
    classical_baseline,
    decide,
    plan_arm,
)
from luthier.events import Event, Noticed, StageStarted, VerdictReached
from luthier.generation import fallback_reason
from luthier.recipe import ArmName, Recipe
from luthier.runs.arms import Judging, answer_arm, is_answered, judging_of, load_arm
from luthier.runs.decisions import FACTS_FILE, write_decisions
from luthier.runs.encoding import encode_data
from luthier.runs.environment import describe_environment
from luthier.runs.folder import RunFolder
from luthier.runs.licence import stated_licence
from luthier.runs.prepare import PreparedData, load_prepared, prepare_data
from luthier.runs.reporting import write_run_report
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
    answer_prompts,
    count_prompt_tokens,
    load_base,
    longest_answer_tokens,
    set_up,
)
from luthier.training import fit_into_memory, forget_peak, peak_held_bytes

TUNED = "tuned"


def finetune(folder: RunFolder, wants_stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Run (or go on with) the run in ``folder``; every event is also appended to its `events.jsonl`.

    Raises LuthierError for whatever the user can mend, and Interrupted after ``wants_stop()`` turned true.
    """
    with folder.lock():
        for event in _stages(folder, folder.recipe, wants_stop):
            folder.record(event)
            yield event


def _stages(folder: RunFolder, recipe: Recipe, wants_stop: Callable[[], bool]) -> Iterator[Event]:
    bench = set_up(recipe)
    yield from prepare_data(folder, recipe.data)
    data = load_prepared(folder)
    judging = judging_of(data.golden, recipe.evaluation, data.kind)
    if not is_tuned(folder):
        yield from _untuned_arms_and_training(folder, recipe, bench, data, judging, wants_stop)
    elif _missing_untuned(folder, recipe):
        # The winner of a sweep was tuned before any arm had answered.
        yield from _untuned_arms(folder, recipe, bench, data, judging, load_base(bench, recipe), wants_stop)
    missing: list[ArmName] = [name for name in recipe.evaluation.arms if not is_answered(folder, name)]
    if missing:
        yield StageStarted("evaluate", "the tuned model")
        model = load_tuned(recipe, bench, folder)
        for name in missing:
            yield from _answer(folder, name, recipe, bench, data, judging, model, wants_stop)
    yield from _judge(folder, recipe, bench, data, judging)


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
    encoded, events = encode_data(data.train, data.validation, bench, recipe.data)
    yield from events
    model = load_base(bench, recipe)
    if reason := fallback_reason(model):
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
    yield from tune(recipe, training, bench, folder, wants_stop)
    _remember_peak(folder, bench.device)


def _missing_untuned(folder: RunFolder, recipe: Recipe) -> list[ArmName]:
    return [name for name in recipe.evaluation.arms if name != TUNED and not is_answered(folder, name)]


def _untuned_arms(
    folder: RunFolder,
    recipe: Recipe,
    bench: Workbench,
    data: PreparedData,
    judging: Judging,
    model: torch.nn.Module,
    wants_stop: Callable[[], bool],
) -> Iterator[Event]:
    missing = _missing_untuned(folder, recipe)
    if missing:
        yield StageStarted("evaluate", "the base model")
    for name in missing:
        yield from _answer(folder, name, recipe, bench, data, judging, model, wants_stop)


def _answer(
    folder: RunFolder,
    name: ArmName,
    recipe: Recipe,
    bench: Workbench,
    data: PreparedData,
    judging: Judging,
    model: torch.nn.Module,
    wants_stop: Callable[[], bool],
) -> Iterator[Event]:
    settings = recipe.evaluation
    asked = settings.max_new_tokens
    max_new_tokens = longest_answer_tokens(data.train, bench) if asked == "auto" else asked
    budget = PromptBudget(
        lambda messages: count_prompt_tokens(bench, messages),
        (bench.base.context_tokens or bench.context_tokens) - max_new_tokens,
    )
    arm = plan_arm(name, data.golden, data.train, settings, recipe.data, data.kind, budget)
    for note in arm.notes:
        yield Noticed(f"arm {name}: {note}")
    model.eval()
    yield from answer_arm(
        folder,
        arm,
        judging,
        lambda prompts: answer_prompts(model, bench, prompts, max_new_tokens, settings.batch_items, settings.seed),
        wants_stop,
    )


def _judge(
    folder: RunFolder, recipe: Recipe, bench: Workbench, data: PreparedData, judging: Judging
) -> Iterator[Event]:
    yield StageStarted("report")
    # Read before the classical baseline, whose own matrices would be counted as the model's.
    peak_bytes = peak_held_bytes(bench.device)
    arms = [load_arm(folder, name) for name in recipe.evaluation.arms]
    results: list[ArmResult] = [result for result, _ in arms]
    baseline: ClassicalBaseline | None = None
    if recipe.evaluation.classical_baseline and judging.choices:
        baseline = classical_baseline(data.train, data.golden, judging.metrics, judging.choices, recipe.evaluation.seed)
    verdict = decide(results, judging.primary_metric, baseline, recipe.evaluation.seed)
    facts: dict[str, Any] = json.loads((folder.path / FACTS_FILE).read_text(encoding="utf-8"))
    facts["environment"] = describe_environment(bench.precision.name, bench.device)
    facts["licence"] = stated_licence(bench.base.path)
    facts.setdefault("peak_memory_bytes", peak_bytes)
    write_run_report(folder, recipe, data, judging, arms, verdict, baseline, facts)
    yield VerdictReached(verdict.decision, verdict.sentence)


def _remember_peak(folder: RunFolder, device: torch.device) -> None:
    facts = json.loads((folder.path / FACTS_FILE).read_text(encoding="utf-8"))
    facts["peak_memory_bytes"] = peak_held_bytes(device)
    folder.write_text(FACTS_FILE, json.dumps(facts, indent=2))


def _readable(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}" if isinstance(value, float) else str(value)


def _readable_minutes(minutes: float) -> str:
    return f"{minutes:.1f} minutes" if minutes >= 2 else f"{max(1, round(minutes * 60))} seconds"
