"""Task files of lm-eval whose data lie in local files, as tasks of ours. No code that a file names is ever run.

Followed: `dataset_path: json` (also csv) with `data_files`, `doc_to_text`, `doc_to_target`, `doc_to_choice` as field
names, values or Jinja, `output_type` generate_until and multiple_choice, `metric_list`, `filter_list`,
`generation_kwargs`, `description`, `target_delimiter`, `include`. Anything else that would change a number is refused
by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from luthier.errors import DataError
from luthier.evaluation.answers import Prompt
from luthier.evaluation.tasks.canonical import content_hash
from luthier.evaluation.tasks.item_rows import item_rows
from luthier.evaluation.tasks.items import TaskItem
from luthier.evaluation.tasks.lm_eval_documents import choices_of, gold_choices, target_of, text_of
from luthier.evaluation.tasks.lm_eval_metrics import generated_grading, metric_names
from luthier.evaluation.tasks.task import ChoiceQuestion, Question, Task
from luthier.examples import Message
from luthier.recipe import TaskDecoding

Config = dict[str, Any]
HARMLESS = frozenset(
    {"task", "task_alias", "tag", "group", "dataset_path", "dataset_name", "dataset_kwargs", "test_split"}
    | {"validation_split", "training_split", "fewshot_split", "doc_to_text", "doc_to_target", "doc_to_choice"}
    | {"output_type", "metric_list", "filter_list", "generation_kwargs", "description", "target_delimiter"}
    | {"fewshot_delimiter", "num_fewshot", "metadata", "repeats", "should_decontaminate"}
    | {"doc_to_decontamination_query", "unsafe_code"}
)
MOST_INCLUDES = 10


def is_lm_eval_task(path: Path) -> bool:
    """Whether a YAML file looks like one of lm-eval's; a file that is no YAML does not."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    keys = {line.partition(":")[0] for line in text.splitlines() if ":" in line}
    return bool(keys & {"doc_to_text", "dataset_path", "output_type"}) or {"include", "task"} <= keys


def read_lm_eval_task(path: Path) -> Task:
    """Raises DataError, which names the key, for what is not followed."""
    config = _config(path)
    kind = config.get("output_type", "generate_until")
    if kind not in ("generate_until", "multiple_choice"):
        raise _refused(path, f"output_type {kind!r}", "generate_until or multiple_choice")
    _refuse_unknown(path, config)
    data_file = _data_file(path, config)
    rows = item_rows(data_file)
    name = str(config.get("task") or path.stem)
    facts = {"items": {"file": str(data_file), "items": len(rows), "content_hash": content_hash(rows)}}
    if kind == "multiple_choice":
        questions = tuple(_choice_question(config, row, number, path) for number, row in enumerate(rows, start=1))
        primary = _choice_metrics(path, config)[0]
        return Task(name, primary, TaskDecoding(), choice_questions=questions, facts=facts)
    return Task(
        name,
        metric_names(config, path)[0],
        _decoding(path, config),
        questions=tuple(_question(config, row, number, path) for number, row in enumerate(rows, start=1)),
        grading=generated_grading(config, path),
        notes=("each item is one user turn, as with lm-eval --apply_chat_template",),
        facts=facts,
    )


def _question(config: Config, row: Mapping[str, Any], number: int, path: Path) -> Question:
    place = f"{path}, item {number}"
    target = target_of(config, row, place)
    if config.get("doc_to_choice") is not None and isinstance(target, int):
        target = choices_of(config, row, place)[target]
    targets = tuple(map(str, target)) if isinstance(target, list) else (str(target),)
    system = (Message("system", description),) if (description := _description(config, row, place)) else ()
    turns = (*system, Message("user", str(text_of(config, row, place))))
    return Question(TaskItem(str(number), row, turns, targets), Prompt(turns))


def _choice_question(config: Config, row: Mapping[str, Any], number: int, path: Path) -> ChoiceQuestion:
    place = f"{path}, item {number}"
    choices = choices_of(config, row, place)
    context = text_of(config, row, place)
    if not isinstance(context, str):
        raise _refused(path, f"doc_to_text that gives a number in item {number} (several contexts)", "a text")
    context = _description(config, row, place) + context
    delimiter = str(config.get("target_delimiter", " "))
    right = gold_choices(target_of(config, row, place), choices, place)
    item = TaskItem(str(number), row, (), tuple(choices[index] for index in right), tuple(choices))
    lengths = tuple(len(choice) for choice in choices)
    return ChoiceQuestion(item, context, tuple(delimiter + choice for choice in choices), right, lengths)


def _description(config: Config, row: Mapping[str, Any], place: str) -> str:
    described = config.get("description") or ""
    return str(text_of({"doc_to_text": described}, row, place)) if described else ""


def _choice_metrics(path: Path, config: Config) -> tuple[str, ...]:
    asked = [str(metric.get("metric")) for metric in config.get("metric_list") or ({"metric": "acc"},)]
    unknown = [metric for metric in asked if metric not in ("acc", "acc_norm")]
    if unknown:
        raise _refused(path, f"the metric {unknown[0]!r}", "acc or acc_norm")
    return tuple(asked)


def _decoding(path: Path, config: Config) -> TaskDecoding:
    asked = dict(config.get("generation_kwargs") or {})
    until = asked.pop("until", None)
    stops = [until] if isinstance(until, str) else list(until or [str(config.get("fewshot_delimiter", "\n\n"))])
    longest = int(asked.pop("max_gen_toks", 256))
    is_sampling = bool(asked.pop("do_sample", False))
    temperature = float(asked.pop("temperature", 0.0))
    if asked:
        raise _refused(path, f"generation_kwargs.{next(iter(asked))}", "until, max_gen_toks, do_sample, temperature")
    stop = tuple(str(text) for text in stops if text)
    return TaskDecoding(max_new_tokens=longest, temperature=temperature if is_sampling else 0.0, stop=stop)


def _data_file(path: Path, config: Config) -> Path:
    """The one file of the split that lm-eval would ask: test, else validation, else training."""
    if config.get("dataset_path") not in ("json", "csv"):
        found = f"dataset_path {config.get('dataset_path')!r}"
        raise _refused(path, found, "dataset_path: json with dataset_kwargs.data_files (nothing is downloaded)")
    files = (config.get("dataset_kwargs") or {}).get("data_files")
    if isinstance(files, Mapping):
        splits = [config.get(f"{name}_split") for name in ("test", "validation", "training")]
        files = next((files[split] for split in splits if split in files), None)
    if isinstance(files, list) and len(files) == 1:
        files = files[0]
    if not isinstance(files, str) or "://" in files or any(sign in files for sign in "*?["):
        raise _refused(path, f"data_files {str(files)[:60]!r}", "one local file for the split that is asked")
    # lm-eval sees relative paths from where it is started; the task's own folder is where they are more often.
    beside = path.parent / files
    return beside if beside.exists() else Path(files)


def _config(path: Path, depth: int = 0) -> Config:
    """The file's values over those of the files that it includes."""
    try:
        text = path.read_text(encoding="utf-8")
        _refuse_tags(path, text)
        values = YAML(typ="safe", pure=True).load(text)
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise DataError(
            f"{path}: {str(error).splitlines()[0]}", expected="a task file of lm-eval", fix="mend the file"
        ) from None
    if not isinstance(values, dict) or depth > MOST_INCLUDES:
        raise DataError(f"{path}: no mapping at the top", expected="a task file of lm-eval", fix="mend the file")
    included = values.pop("include", None)
    for name in [included] if isinstance(included, str) else list(included or ()):
        values = {**_config(path.parent / str(name), depth + 1), **values}
    return values


def _refuse_tags(path: Path, text: str) -> None:
    for event in YAML(typ="safe", pure=True).parse(text):
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise DataError(
                f"{path}, line {event.start_mark.line + 1}: {tag} names Python code, which luthier never runs",
                expected="Jinja templates and plain values",
                fix="write the step as a Jinja template, or prepare the items in a file of their own",
            )


def _refuse_unknown(path: Path, config: Config) -> None:
    unknown = sorted(set(config) - HARMLESS)
    if unknown:
        raise _refused(path, f"the key {unknown[0]!r}", "a task without it")
    if config.get("num_fewshot"):
        raise _refused(path, f"num_fewshot {config['num_fewshot']}", "num_fewshot: 0")
    if config.get("repeats", 1) != 1:
        raise _refused(path, f"repeats {config['repeats']}", "repeats: 1")


def _refused(path: Path, found: str, expected: str) -> DataError:
    return DataError(
        f"{path}: {found} is not followed here",
        expected=expected,
        fix=f"change the task, or let lm-eval itself run it on the model: luthier eval lm-eval:{path} --model FOLDER",
    )
