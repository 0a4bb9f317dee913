"""A task's graders put to work: documents become graders, and every answer gets all of their rewards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from luthier.evaluation.answers import Answer
from luthier.evaluation.graders import GraderTools, Sample, grade, parse_grader
from luthier.evaluation.tasks.items import TaskItem
from luthier.evaluation.tasks.task import Grading, Scored, Task
from luthier.sandbox import SandboxPool

TYPES_WITH_CODE = frozenset({"python", "code_tests"})


def grading_of(task: Task, tools: GraderTools) -> Grading:
    """Raises GraderError for a grader that is written wrongly, or needs what ``tools`` do not hold."""
    if task.grading is not None:
        return task.grading
    graders = {
        str(document["name"]): parse_grader(document, tools, f"graders.{number}")
        for number, document in enumerate(task.graders)
    }

    def score(item: TaskItem, answer: Answer) -> Scored:
        sample = Sample(answer.text, finish_reason=answer.finish_reason)
        fields = item.for_graders()
        grades = {name: grade(grader, fields, sample, tools) for name, grader in graders.items()}
        errors = tuple(
            f"{name}: {', '.join(found.errors.names)}{f' ({found.errors.details})' if found.errors.details else ''}"
            for name, found in grades.items()
            if found.errors
        )
        return Scored({name: found.reward for name, found in grades.items()}, errors)

    return score


def runs_code(graders: tuple[Mapping[str, Any], ...]) -> bool:
    """Whether any of these graders, or a part of a multi grader, runs code."""
    return any(_types(grader) & TYPES_WITH_CODE for grader in graders)


@contextmanager
def opened_tools(task: Task, tools: GraderTools | None = None) -> Iterator[GraderTools]:
    """``tools`` with a sandbox beside, where the task's graders run code and there is none yet."""
    given = tools or GraderTools()
    if given.sandbox is not None or not runs_code(task.graders):
        yield given
        return
    with SandboxPool() as pool:
        yield GraderTools(pool, given.judge, given.embed, given.at_once)


def _types(document: Any) -> set[str]:
    if isinstance(document, Mapping):
        own = {str(document["type"])} if isinstance(document.get("type"), str) else set()
        return own.union(*(_types(part) for part in document.values()))
    return set()
