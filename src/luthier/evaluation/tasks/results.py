"""What one model made of a task: every item, and every score with its interval and its count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from luthier.errors import DataError
from luthier.evaluation.answers import Answer
from luthier.evaluation.statistics import Interval, mean_interval
from luthier.evaluation.tasks.items import TaskItem
from luthier.evaluation.tasks.task import Task


@dataclass(frozen=True)
class ItemResult:
    """``log_probs`` are those of the choices, where an item was answered by choosing."""

    item: TaskItem
    answer: Answer
    scores: Mapping[str, float]
    errors: tuple[str, ...] = ()
    log_probs: tuple[float, ...] = ()


@dataclass(frozen=True)
class ModelResult:
    """``indices`` say which items of the task were asked; all of them, unless it was decided before."""

    model: str
    indices: tuple[int, ...]
    results: tuple[ItemResult, ...]
    notes: tuple[str, ...] = ()

    def scores(self, name: str) -> tuple[float, ...]:
        return tuple(result.scores[name] for result in self.results)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.results[0].scores) if self.results else ()

    @property
    def failed_gradings(self) -> int:
        """Items that a grader could not judge; they score 0."""
        return sum(bool(result.errors) for result in self.results)

    @property
    def cut_off(self) -> int:
        return sum(result.answer.finish_reason == "length" for result in self.results)


@dataclass(frozen=True)
class TaskResult:
    """``decided`` is what an evaluation that may stop early says (`until_decided.py`); None where all was asked."""

    task: Task
    models: tuple[ModelResult, ...]
    sentence: str
    decided: Mapping[str, Any] | None = None
    difference: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = field(default=())

    def interval(self, model: ModelResult, name: str) -> Interval:
        return interval_of(self.task, model, name)

    def as_json(self) -> dict[str, Any]:
        return {
            "task": self.task.name,
            "primary": self.task.primary,
            "items": len(self.task.items),
            "facts": dict(self.task.facts),
            "decoding": self.task.decoding.model_dump(mode="json"),
            "models": [self._model(model) for model in self.models],
            "difference": self.difference,
            "until_decided": self.decided,
            "sentence": self.sentence,
            "notes": [*self.task.notes, *self.notes],
        }

    def _model(self, model: ModelResult) -> dict[str, Any]:
        scores = {}
        for name in model.names:
            found = self.interval(model, name)
            scores[name] = {"mean": found.mean, "low": found.low, "high": found.high, "n": found.n}
        return {
            "model": model.model,
            "asked": len(model.results),
            "scores": scores,
            "failed_gradings": model.failed_gradings,
            "cut_off": model.cut_off,
            "notes": list(model.notes),
        }


def interval_of(task: Task, model: ModelResult, name: str) -> Interval:
    """Heeds the task's groups. Raises DataError for a grader whose rewards leave 0 to 1."""
    scores = scores_within_bounds(model.scores(name), name)
    groups = [task.groups[index] for index in model.indices] if task.groups else None
    return mean_interval(scores, groups=groups)


def scores_within_bounds(scores: Sequence[float], name: str) -> Sequence[float]:
    outside = next((score for score in scores if not 0 <= score <= 1), None)
    if outside is not None:
        raise DataError(
            f"the grader {name} gave {outside:g}",
            expected="rewards between 0 and 1, for which alone there is an honest interval",
            fix="scale it in a multi grader: calculate_output: (x - least) / (most - least)",
        )
    return scores


def rows_of(model: ModelResult, task: Task) -> list[dict[str, Any]]:
    """One line per item, in the layout that runs write for their arms."""
    prompts = {question.item.id: question.prompt for question in task.questions}
    contexts = {question.item.id: question.context for question in task.choice_questions}
    rows = []
    for index, result in zip(model.indices, model.results, strict=True):
        item, answer = result.item, result.answer
        asked = [turn.as_json() for turn in prompts[item.id].messages] if item.id in prompts else contexts[item.id]
        rows.append(
            {
                "index": index,
                "id": item.id,
                "input": asked,
                "reference": item.target,
                "answer": answer.text,
                "scores": dict(result.scores),
                "prompt_tokens": answer.prompt_tokens,
                "completion_tokens": answer.completion_tokens,
                "seconds": round(answer.seconds, 4),
                "finish_reason": answer.finish_reason,
                **({"targets": list(item.targets)} if len(item.targets) > 1 else {}),
                **({"choices": list(item.choices)} if item.choices else {}),
                **({"log_probs": list(result.log_probs)} if result.log_probs else {}),
                **({"errors": list(result.errors)} if result.errors else {}),
            }
        )
    return rows
