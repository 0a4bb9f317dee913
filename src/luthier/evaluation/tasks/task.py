"""A task: questions for a model, and what is asked of its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from luthier.evaluation.answers import Answer, Prompt
from luthier.evaluation.tasks.items import TaskItem
from luthier.recipe import TaskDecoding


@dataclass(frozen=True)
class Question:
    """An item that is answered in words."""

    item: TaskItem
    prompt: Prompt


@dataclass(frozen=True)
class ChoiceQuestion:
    """An item that is answered by the likeliest of several continuations of a plain text (no chat template).

    ``lengths`` is what a choice's log-probability is divided by for `acc_norm`: its characters.
    """

    item: TaskItem
    context: str
    continuations: tuple[str, ...]
    right: tuple[int, ...]
    lengths: tuple[int, ...]


@dataclass(frozen=True)
class Scored:
    """Scores of one answer by name; ``errors`` are what kept a grader from giving one."""

    scores: Mapping[str, float]
    errors: tuple[str, ...] = ()


Grading = Callable[[TaskItem, Answer], Scored]


@dataclass(frozen=True)
class Task:
    """``graders`` are grader documents (docs/graders.md); ``grading``, where an imported task brings its own metrics,
    takes their place. Either ``questions`` or ``choice_questions`` is empty. ``facts`` say which items were asked."""

    name: str
    primary: str
    decoding: TaskDecoding
    questions: tuple[Question, ...] = ()
    choice_questions: tuple[ChoiceQuestion, ...] = ()
    graders: tuple[Mapping[str, Any], ...] = ()
    grading: Grading | None = None
    groups: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def items(self) -> tuple[TaskItem, ...]:
        asked: Sequence[Question | ChoiceQuestion] = self.choice_questions or self.questions
        return tuple(question.item for question in asked)


def cut_at(answer: str, stops: Sequence[str]) -> str:
    """The answer up to the first of the texts that end it."""
    places = [place for stop in stops if (place := answer.find(stop)) >= 0]
    return answer[: min(places)] if places else answer
