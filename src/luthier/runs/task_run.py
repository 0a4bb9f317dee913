"""One task put to one model, or to two, and what came of it written down."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from luthier.errors import DataError, StorageError
from luthier.evaluation.graders import GraderTools, remote_judge
from luthier.evaluation.tasks import (
    AskedModel,
    Task,
    TaskResult,
    asked_remote,
    grading_of,
    is_lm_eval_task,
    opened_tools,
    read_lm_eval_task,
    read_task,
    rows_of,
    run_task,
)
from luthier.events import ItemsAnswered
from luthier.recipe import TaskDecoding
from luthier.remote import Endpoint, open_client
from luthier.runs.opened_model import asked_model, open_model

RESULT_FILE = "result.json"


@dataclass(frozen=True)
class ModelChoice:
    """A folder (a model's, "starter", a finished run's) with an adapter or none, or else a name at an address."""

    folder: str | None = None
    adapter: Path | None = None
    endpoint: str | None = None
    model_name: str = ""
    api_key_env: str | None = None


@dataclass(frozen=True)
class TaskRun:
    """``judge`` is the address that graders with a model ask."""

    task: Path
    models: tuple[ModelChoice, ...]
    until_decided: bool = False
    threshold: float | None = None
    judge: str | None = None
    judge_key_env: str | None = None


def load_task(path: Path) -> Task:
    """A task file of ours, or one of lm-eval's."""
    if path.suffix in (".jsonl", ".json", ".csv", ".parquet"):
        raise DataError(
            f"{path} holds items, which alone are no task",
            expected="a task.yaml that says how they are asked and graded",
            fix="docs/golden-sets.md shows one in eight lines",
        )
    return read_lm_eval_task(path) if is_lm_eval_task(path) else read_task(path)


def evaluate_task(run: TaskRun) -> Generator[ItemsAnswered, None, TaskResult]:
    """Raises LuthierError for whatever the user can mend, before a model is loaded where that is possible."""
    task = load_task(run.task)
    with ExitStack() as stack:
        tools = stack.enter_context(opened_tools(task, _judging(run, stack)))
        grading = grading_of(task, tools)
        models = _with_own_names([_asked(choice, task.decoding) for choice in run.models])
        return (yield from run_task(task, models, grading, until_decided=run.until_decided, threshold=run.threshold))


def write_task_result(result: TaskResult, folder: Path) -> None:
    """`result.json`, and each model's items in `evaluation/<model>.jsonl`, as a run leaves them."""
    try:
        (folder / "evaluation").mkdir(parents=True, exist_ok=True)
        for model in result.models:
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows_of(model, result.task))
            (folder / "evaluation" / f"{model.model}.jsonl").write_text("".join(lines), encoding="utf-8")
        text = json.dumps(result.as_json(), indent=2, ensure_ascii=False)
        (folder / RESULT_FILE).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written ({error.strerror or error})",
            expected="a folder with room, in which this user may write",
            fix="choose another one: --output FOLDER",
        ) from None


def _asked(choice: ModelChoice, decoding: TaskDecoding) -> AskedModel:
    if choice.endpoint is not None:
        return asked_remote(choice.endpoint, choice.model_name, choice.api_key_env, decoding)
    return asked_model(open_model(str(choice.folder), choice.adapter), decoding)


def _with_own_names(models: Sequence[AskedModel]) -> list[AskedModel]:
    """Two folders may have one name."""
    names = [model.name for model in models]
    if len(set(names)) == len(names):
        return list(models)
    return [
        AskedModel(f"{model.name}-{number}", model.generate, model.score_choices, model.notes)
        for number, model in enumerate(models, start=1)
    ]


def _judging(run: TaskRun, stack: ExitStack) -> GraderTools:
    if run.judge is None:
        return GraderTools()
    # Each grader names its own model.
    endpoint = Endpoint(run.judge, "judge", run.judge_key_env)
    return GraderTools(judge=remote_judge(endpoint, stack.enter_context(open_client(endpoint))))
