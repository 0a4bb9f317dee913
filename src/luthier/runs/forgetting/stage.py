"""The stage after tuning that looks at everything else: what the model can no longer do, and what it knows by heart.

It leaves `forgetting.json`, and is passed over where that is there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from luthier.errors import Interrupted
from luthier.evaluation.forgetting import (
    Evidence,
    HowTuned,
    RegressionAnswers,
    RegressionItem,
    battery,
    judge_forgetting,
    make_canaries,
    read_regression_set,
)
from luthier.events import Event, Noticed, StageStarted, Warned
from luthier.examples import Example
from luthier.recipe import Lora, Recipe
from luthier.runs.decisions import earlier_decision
from luthier.runs.folder import RunFolder
from luthier.runs.forgetting.answers_of_both import answer_both
from luthier.runs.forgetting.readings import read_own_answers, read_passages, read_prompts
from luthier.runs.forgetting.remembered import measure_memory
from luthier.runs.forgetting.two_models import pair_with_base
from luthier.runs.prepare import PreparedData
from luthier.runs.reports.curves import last_of_each_step
from luthier.runs.tuning import load_tuned
from luthier.runs.workbench import Workbench

FORGETTING_FILE = "forgetting.json"


def regression_items(recipe: Recipe) -> tuple[RegressionItem, ...]:
    """The user's own items; raises DataError for a file that cannot be used, so ask before anything is computed."""
    file = recipe.evaluation.forgetting.regression_file
    return read_regression_set(Path(file)) if file else ()


def with_canaries(train: tuple[Example, ...], recipe: Recipe) -> tuple[Example, ...]:
    """The training rows, and the planted secrets that the recipe asks for."""
    canaries = make_canaries(recipe.evaluation.forgetting.canaries, recipe.training.seed)
    return (*train, *(canary.example(canary.codes[0]) for canary in canaries))


def measure_forgetting(
    folder: RunFolder,
    recipe: Recipe,
    bench: Workbench,
    data: PreparedData,
    tuned: torch.nn.Module | None,
    wants_stop: Callable[[], bool],
) -> Iterator[Event]:
    """Measure, judge and write `forgetting.json`; ``tuned`` is loaded where it is None. Stopped, it leaves nothing."""
    settings = recipe.evaluation.forgetting
    if settings.size == "off" or (folder.path / FORGETTING_FILE).is_file():
        return
    yield StageStarted("forgetting", f"{settings.size} battery")
    began = time.perf_counter()
    models = pair_with_base(load_tuned(recipe, bench, folder) if tuned is None else tuned, recipe, bench)
    asked = battery(settings.size)
    prompts = [item.prompt for item in asked.items] + [question.prompt for question in asked.questions]
    batch_items = recipe.evaluation.batch_items
    stop = _Stop(folder, wants_stop)
    passages = read_passages(models, bench, asked.passages)
    stop.heed()
    task_inputs = read_prompts(models, bench, data.validation[: settings.rows], recipe.data.system_prompt)
    memory = measure_memory(models, bench, data, recipe, _best_step(folder))
    stop.heed()
    written = answer_both(models, bench, prompts, settings.max_new_tokens, batch_items, stop.heed)
    if written.unanswered:
        yield Warned(
            f"{written.unanswered} prompts of the battery do not fit this model's context; answered with nothing"
        )
    own_answers = read_own_answers(models, written)
    items = regression_items(recipe)
    regression = None
    if items:
        questions = [item.prompt for item in items]
        again = answer_both(models, bench, questions, settings.regression_max_new_tokens, batch_items, stop.heed)
        regression = RegressionAnswers(items, again.answers, settings.regression_max_drop)
    evidence = Evidence(asked, passages, own_answers, task_inputs, written.answers, regression)
    report = judge_forgetting(evidence, memory.memorisation, memory.gaps, _how_tuned(folder, recipe))
    found = report.as_json() | {"seconds": round(time.perf_counter() - began, 2), "size": settings.size}
    if memory.canaries:
        found["memorisation"]["canaries"] = memory.canaries
    folder.write_text(FORGETTING_FILE, json.dumps(found, indent=2, ensure_ascii=False))
    yield (Warned if report.verdict in ("amber", "red") else Noticed)(
        f"forgetting, {report.verdict}: {report.sentence}"
    )


@dataclass(frozen=True)
class _Stop:
    folder: RunFolder
    wants_stop: Callable[[], bool]

    def heed(self) -> None:
        if self.wants_stop():
            raise Interrupted(
                "stopped while forgetting was measured; it is measured again next time",
                expected="a run goes on where it was",
                fix=f"luthier resume {self.folder.path}",
            )


def _how_tuned(folder: RunFolder, recipe: Recipe) -> HowTuned:
    method = recipe.method
    steps = last_of_each_step(folder, "StepFinished")
    return HowTuned(
        method=method.kind,
        rank=method.rank if isinstance(method, Lora) else None,
        epochs=recipe.training.epochs,
        learning_rate=earlier_decision(folder, "training.learning_rate"),
        best_step=_best_step(folder),
        steps=steps[-1]["step"] if steps else 0,
    )


def _best_step(folder: RunFolder) -> int | None:
    validated = last_of_each_step(folder, "Validated")
    return min(validated, key=lambda event: event["loss"])["step"] if validated else None
