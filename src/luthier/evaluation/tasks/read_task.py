"""From a task file of ours to a task: items read, prompts rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luthier.errors import DataError
from luthier.evaluation.answers import Prompt
from luthier.evaluation.tasks.canonical import content_hash
from luthier.evaluation.tasks.golden_sets import open_golden_set
from luthier.evaluation.tasks.item_rows import item_rows
from luthier.evaluation.tasks.items import TaskItem
from luthier.evaluation.tasks.layouts import LETTERS, as_items
from luthier.evaluation.tasks.task import Question, Task
from luthier.evaluation.tasks.templates import render
from luthier.examples import Message
from luthier.recipe import TaskSettings, load_task_settings


def read_task(path: Path) -> Task:
    """The task in a `task.yaml`; paths in it are seen from its folder. Raises RecipeError or DataError."""
    settings = load_task_settings(path)
    rows, file, facts = _rows(settings, path.parent)
    items = as_items(rows, settings.format, file)
    questions = tuple(Question(item, _prompt(settings, item, file)) for item in _with_targets(settings, items, file))
    return Task(
        name=settings.name,
        primary=settings.primary or str(settings.graders[0]["name"]),
        decoding=settings.decoding,
        questions=questions,
        graders=settings.graders,
        groups=_groups(settings.group, items, file),
        facts=facts,
    )


def _rows(settings: TaskSettings, folder: Path) -> tuple[Sequence[Mapping[str, Any]], str, dict[str, Any]]:
    if settings.golden is not None:
        golden = open_golden_set(folder / settings.golden)
        return golden.rows, str(golden.items_file), {"golden_set": golden.facts()}
    file = folder / str(settings.items)
    rows = item_rows(file)
    return rows, str(file), {"items": {"file": str(file), "items": len(rows), "content_hash": content_hash(rows)}}


def _with_targets(settings: TaskSettings, items: Sequence[TaskItem], file: str) -> list[TaskItem]:
    if settings.target is None:
        return list(items)
    return [
        TaskItem(
            item.id,
            item.fields,
            item.messages,
            (render(settings.target, _values(item), f"target, {file}, item {item.id}"),),
            item.choices,
            item.tools,
            item.metadata,
        )
        for item in items
    ]


def _prompt(settings: TaskSettings, item: TaskItem, file: str) -> Prompt:
    place = f"{file}, item {item.id}"
    if settings.prompt is not None:
        return Prompt((Message("user", render(settings.prompt, _values(item), f"prompt, {place}")),), item.tools)
    if settings.messages is not None:
        rendered = tuple(
            Message(turn.role, render(turn.content, _values(item), f"messages, {place}")) for turn in settings.messages
        )
        return Prompt(rendered, item.tools)
    if not item.messages:
        raise DataError(
            f"{place}: nothing says what to ask",
            expected="turns in the item (messages or input), or a template in the task",
            fix="add to the task: prompt: '{{ item.question }}'",
        )
    return Prompt(_with_choices(item), item.tools)


def _with_choices(item: TaskItem) -> tuple[Message, ...]:
    """An item's own turns; choices are listed by letter, for nobody could choose otherwise."""
    if not item.choices:
        return item.messages
    listed = "\n".join(f"{letter}) {text}" for letter, text in zip(LETTERS, item.choices, strict=False))
    last = item.messages[-1]
    return (*item.messages[:-1], Message(last.role, f"{last.content}\n\n{listed}", name=last.name))


def _values(item: TaskItem) -> dict[str, Any]:
    """A template may write `{{ item.question }}`, as graders do, or `{{ question }}`, as lm-eval does."""
    known = item.for_graders()
    return {**known, "item": known}


def _groups(field: str | None, items: Sequence[TaskItem], file: str) -> tuple[str, ...]:
    if field is None:
        return ()
    missing = next((item.id for item in items if item.fields.get(field, item.metadata.get(field)) is None), None)
    if missing is not None:
        raise DataError(
            f"{file}, item {missing}: no field {field!r}",
            expected="the field that `group` names, in every item",
            fix="add it, or take `group` out of the task",
        )
    return tuple(str(item.fields.get(field, item.metadata.get(field))) for item in items)
