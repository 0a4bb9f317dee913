"""The instructions an untuned model gets: the user's own, or the best that can be read off the training answers.

A weak prompt would flatter tuning, so the automatic one lists every allowed answer and every allowed field value.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from luthier.data import AnswerKind
from luthier.evaluation.json_answers import parse_object
from luthier.examples import Example, Message
from luthier.recipe import DataSettings, EvaluationSettings

MOST_LISTED_VALUES = 30
FEWEST_ROWS_PER_VALUE = 3


@dataclass(frozen=True)
class TaskPrompt:
    """``joins_own_system``: whether a row that brings a system turn gets this text after its own, or keeps its own."""

    text: str
    joins_own_system: bool

    def over(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        if not messages or messages[0].role not in ("system", "developer"):
            return (Message("system", self.text), *messages)
        if not self.joins_own_system:
            return messages
        return (replace(messages[0], content=f"{messages[0].content}\n\n{self.text}"), *messages[1:])


def task_prompt(
    train: Sequence[Example], settings: EvaluationSettings, data: DataSettings, kind: AnswerKind
) -> TaskPrompt:
    """`evaluation.task_prompt`, else `data.system_prompt`, else one written from the training answers."""
    if settings.task_prompt is not None:
        return TaskPrompt(settings.task_prompt, joins_own_system=True)
    if data.system_prompt is not None:
        return TaskPrompt(data.system_prompt, joins_own_system=False)
    return TaskPrompt(_automatic(train, tuple(settings.choices or ()), kind), joins_own_system=True)


def _automatic(train: Sequence[Example], choices: tuple[str, ...], kind: AnswerKind) -> str:
    answers = [example.answer.content for example in train]
    if choices or kind.kind == "choices":
        return _for_choices(choices or kind.choices)
    if kind.kind == "json":
        return _for_json(kind.keys, answers)
    return _for_text(answers)


def _for_choices(choices: Sequence[str]) -> str:
    if any("," in choice or "\n" in choice for choice in choices):
        return "Answer with exactly one of these and nothing else:\n" + "\n".join(choices)
    return f"Answer with exactly one of: {', '.join(choices)}"


def _for_json(keys: Sequence[str], answers: Sequence[str]) -> str:
    objects = [found for answer in answers if (found := parse_object(answer)) is not None]
    fields = [f"{json.dumps(key, ensure_ascii=False)}{_allowed_values(key, objects)}" for key in keys]
    return f"Answer with one JSON object with the keys {', '.join(fields)} and nothing else."


def _allowed_values(key: str, objects: Sequence[dict[str, object]]) -> str:
    """The values of a field, where the training answers use the same few again and again."""
    written = Counter(json.dumps(row[key], ensure_ascii=False, sort_keys=True) for row in objects if key in row)
    if not written or len(written) > MOST_LISTED_VALUES or len(written) * FEWEST_ROWS_PER_VALUE > written.total():
        return ""
    return f" (one of {', '.join(sorted(written))})"


def _for_text(answers: Sequence[str]) -> str:
    if not answers:
        return "Give the answer itself and nothing else."
    words = max(1, round(statistics.median(len(answer.split()) for answer in answers)))
    return f"Give the answer itself and nothing else, in about {words} {'word' if words == 1 else 'words'}."
