"""`luthier eval`: one task for one model, or for two that are compared."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.terminal import safe
from luthier.cli.verb import Verb, json_option

if TYPE_CHECKING:
    from luthier.cli.display import Display
    from luthier.evaluation.tasks import TaskResult

LM_EVAL = "lm-eval:"


@click.command(
    "eval",
    cls=Verb,
    example="luthier eval task.yaml --model starter",
    help="Ask a model the items of TASK (a task.yaml of luthier's or lm-eval's) and grade its answers; every score "
    "comes with its interval. `lm-eval:NAME` lets lm-eval itself run one of its own tasks (extra luthier[lm-eval]).",
)
@click.argument("task")
@click.option("--model", metavar="FOLDER", help="A model folder, `starter`, or a finished run.")
@click.option("--adapter", type=click.Path(path_type=Path), help="Adapter to put onto --model.")
@click.option("--endpoint", metavar="URL", help="An OpenAI-compatible address instead, before /chat/completions.")
@click.option("--model-name", metavar="NAME", help="The model's name at --endpoint.")
@click.option("--api-key-env", metavar="VARIABLE", help="Environment variable that holds the key for --endpoint.")
@click.option("--against", metavar="FOLDER", help="A second model folder or run, to be compared on the same items.")
@click.option("--until-decided", is_flag=True, help="Stop as soon as it is certain; needs --threshold or --against.")
@click.option("--threshold", type=click.FloatRange(0, 100), metavar="PERCENT", help="The score that has to be beaten.")
@click.option("--judge", metavar="URL", help="Address of the model that graders ask.")
@click.option("--judge-key-env", metavar="VARIABLE", help="Environment variable that holds the key for --judge.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only so many items of an lm-eval:NAME task.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder for result.json and every answer.")
@json_option("Print the result as one JSON document.")
def command(task: str, output: Path | None, wants_json: bool, **asked: Any) -> None:
    if (asked["model"] is None) == (asked["endpoint"] is None):
        raise click.UsageError("give --model FOLDER or --endpoint URL")
    if asked["endpoint"] is not None and not asked["model_name"]:
        raise click.UsageError("--endpoint needs --model-name")
    if task.startswith(LM_EVAL):
        _run_lm_eval(task.removeprefix(LM_EVAL), output, asked)
        return
    if asked["limit"] is not None:
        raise click.UsageError("--limit is for lm-eval:NAME tasks; --until-decided stops early without cheating")
    if asked["until_decided"] and (asked["threshold"] is None) == (asked["against"] is None):
        raise click.UsageError("--until-decided needs either --threshold or --against")
    if asked["threshold"] is not None and not asked["until_decided"]:
        raise click.UsageError("--threshold belongs to --until-decided")
    result = _run(Path(task), asked, is_silent=wants_json)
    if output is not None:
        from luthier.runs.task_run import write_task_result

        write_task_result(result, output)
    click.echo(json.dumps(result.as_json(), ensure_ascii=False) if wants_json else safe(_text(result)))


def _run(task: Path, asked: dict[str, Any], is_silent: bool) -> TaskResult:
    from luthier.cli.display import display_for
    from luthier.runs.task_run import ModelChoice, TaskRun, evaluate_task

    first = ModelChoice(
        asked["model"], asked["adapter"], asked["endpoint"], asked["model_name"] or "", asked["api_key_env"]
    )
    models = (first,) if asked["against"] is None else (first, ModelChoice(asked["against"]))
    threshold = None if asked["threshold"] is None else asked["threshold"] / 100
    run = TaskRun(task, models, asked["until_decided"], threshold, asked["judge"], asked["judge_key_env"])
    return _followed(evaluate_task(run), None if is_silent else display_for(False))


def _followed(events: Generator[Any, None, TaskResult], display: Display | None) -> TaskResult:
    """What the evaluation returns in the end; its progress is shown, unless ``display`` is None."""
    try:
        while True:
            event = next(events)
            if display is not None:
                display.show(event)
    except StopIteration as finished:
        return finished.value
    finally:
        if display is not None:
            display.close()


def _text(result: TaskResult) -> str:
    lines = []
    for model in result.models:
        for name in model.names:
            found = result.interval(model, name)
            shown = f"{100 * found.mean:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f})"
            lines.append(f"{model.model}  {name}  {shown}, {found.n:,} items")
        if model.failed_gradings:
            lines.append(f"{model.model}  {model.failed_gradings:,} answers could not be graded and count 0")
        if model.cut_off:
            lines.append(f"{model.model}  {model.cut_off:,} answers were cut off at the token limit")
    return "\n".join([*lines, *(f"note: {note}" for note in result.as_json()["notes"]), result.sentence])


def _run_lm_eval(task: str, output: Path | None, asked: dict[str, Any]) -> None:
    if asked["model"] is None or asked["until_decided"] or asked["against"]:
        raise click.UsageError(
            "lm-eval: tasks take --model, --adapter, --limit and --output; for an endpoint use "
            "lm_eval --model local-completions"
        )
    from luthier.runs.lm_eval_model import run_public_tasks
    from luthier.runs.opened_model import open_model

    found = run_public_tasks(open_model(asked["model"], asked["adapter"]), task.split(","), asked["limit"])
    figures = {name: {k: v for k, v in row.items() if k != "alias"} for name, row in found["results"].items()}
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        (output / "results.json").write_text(json.dumps(figures, indent=2, default=str), encoding="utf-8")
    click.echo(json.dumps(figures, indent=2, default=str))
