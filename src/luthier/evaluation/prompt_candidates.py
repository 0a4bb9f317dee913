"""Wordings of the task prompt to be tried on validation rows: the user's own first, then what the answers suggest."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from luthier.data import AnswerKind
from luthier.evaluation.task_prompt import TaskPrompt, task_prompt
from luthier.examples import Example
from luthier.recipe import DataSettings, EvaluationSettings

SHOWN_ANSWERS = 3
LONGEST_SHOWN_ANSWER = 200


@dataclass(frozen=True)
class PromptCandidate:
    """``name`` says how it came about: "yours", "plain", …"""

    name: str
    instructions: TaskPrompt


def prompt_candidates(
    train: Sequence[Example], settings: EvaluationSettings, data: DataSettings, kind: AnswerKind
) -> list[PromptCandidate]:
    """No text twice; when two do equally well, the earlier one is taken."""
    written = task_prompt(train, settings, data, kind)
    plain = task_prompt(
        train, settings.model_copy(update={"task_prompt": None}), data.model_copy(update={"system_prompt": None}), kind
    )
    is_own = settings.task_prompt is not None or data.system_prompt is not None
    found = [PromptCandidate("yours" if is_own else "plain", written)]
    found.append(PromptCandidate("plain", plain))
    if is_own:
        found.append(PromptCandidate("yours and plain", _with_text(written, f"{written.text}\n\n{plain.text}")))
    shown = _example_answers(train, settings.seed)
    if shown:
        answers = f"Answers look like this:\n{shown}"
        found.append(
            PromptCandidate(f"{found[0].name} and answers", _with_text(written, f"{written.text}\n\n{answers}"))
        )
    firm = f"{written.text}\n\nGive only the answer: no explanation, no greeting, nothing before or after it."
    found.append(PromptCandidate(f"{found[0].name}, firm", _with_text(written, firm)))
    by_text = {candidate.instructions.text: candidate for candidate in reversed(found)}
    return [candidate for candidate in found if by_text[candidate.instructions.text] is candidate]


def _with_text(instructions: TaskPrompt, text: str) -> TaskPrompt:
    return replace(instructions, text=text)


def _example_answers(train: Sequence[Example], seed: int) -> str:
    """A few different training answers, the same ones for the same seed."""
    answers = sorted({row.answer.content.strip() for row in train} - {""})
    short = [answer for answer in answers if len(answer) <= LONGEST_SHOWN_ANSWER]
    return "\n".join(random.Random(seed).sample(short, min(SHOWN_ANSWERS, len(short))))
