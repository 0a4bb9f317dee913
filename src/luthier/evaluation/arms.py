"""The arms of a comparison: the same golden items, asked of the model in several ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from luthier.data import AnswerKind
from luthier.evaluation.answers import Prompt
from luthier.evaluation.solvers import (
    Arm,
    PromptBudget,
    alone,
    fixed_examples,
    nearest_examples,
    noting_length,
    under_prompt,
    with_passages,
)
from luthier.evaluation.solvers.examples import index_rows, question_of
from luthier.evaluation.task_prompt import TaskPrompt, task_prompt
from luthier.examples import Example
from luthier.recipe import ArmName, DataSettings, EvaluationSettings
from luthier.retrieval import Retriever

AUTO_EXAMPLES = 4
AUTO_PASSAGES = 3


@dataclass(frozen=True)
class Found:
    """What was found out before the arms are planned; the plainest that there is where nothing was.

    ``instructions`` is the task prompt that did best on validation rows. ``documents`` and ``rows`` are what passages
    and nearest training rows are looked up in.
    """

    instructions: TaskPrompt | None = None
    examples: int | None = None
    examples_are_nearest: bool | None = None
    passages: int | None = None
    documents: Retriever | None = None
    rows: Retriever | None = None


def build_arm(
    name: ArmName,
    golden: Sequence[Example],
    train: Sequence[Example],
    settings: EvaluationSettings,
    data: DataSettings,
    kind: AnswerKind,
    budget: PromptBudget | None = None,
) -> list[Prompt]:
    """The prompts of `plan_arm`, for callers that fear no limit and need no notes."""
    return list(plan_arm(name, golden, train, settings, data, kind, budget).prompts)


def plan_arm(
    name: ArmName,
    golden: Sequence[Example],
    train: Sequence[Example],
    settings: EvaluationSettings,
    data: DataSettings,
    kind: AnswerKind,
    budget: PromptBudget | None = None,
    found: Found | None = None,
) -> Arm:
    """How one arm puts each golden item to the model; an arm that cannot run says so in ``obstacle``.

    The tuned arm sees exactly what training saw. Without a budget every shot and passage that was asked for is used.
    """
    known = found or Found()
    own = task_prompt(train, settings, data, kind)
    best = known.instructions or own
    match name:
        case "base":
            arm = Arm(name, alone(golden), solver="the item alone")
        case "prompt":
            is_own = settings.task_prompt is not None
            arm = Arm(name, under_prompt(golden, own if is_own else best), solver="task prompt")
        case "found-prompt":
            arm = Arm(name, under_prompt(golden, best), solver="task prompt found on validation rows")
            if best.text == own.text:
                same = "the search on validation rows found nothing better than the task prompt of the arm prompt"
                arm = replace(arm, prompts=(), obstacle=same)
        case "few-shot":
            arm = _few_shot(golden, train, settings, best, budget, known)
        case "rag":
            arm = _rag(golden, train, settings, best, budget, known)
        case "tuned":
            arm = Arm(name, alone(golden, data.system_prompt), solver="as in training")
        case "tuned-rag":
            arm = _tuned_rag(golden, data, settings, budget, known)
        case _:
            assert_never(name)
    return noting_length(arm, budget)


def _few_shot(
    golden: Sequence[Example],
    train: Sequence[Example],
    settings: EvaluationSettings,
    instructions: TaskPrompt,
    budget: PromptBudget | None,
    known: Found,
) -> Arm:
    count = known.examples or _number(settings.few_shot_examples, AUTO_EXAMPLES)
    is_nearest = (
        settings.few_shot_selection == "nearest" if known.examples_are_nearest is None else (known.examples_are_nearest)
    )
    if not is_nearest:
        return fixed_examples(golden, train, count, settings.seed, instructions, budget)
    rows = known.rows or index_rows(train)
    return nearest_examples("few-shot", golden, train, count, rows, instructions, budget)


def _rag(
    golden: Sequence[Example],
    train: Sequence[Example],
    settings: EvaluationSettings,
    instructions: TaskPrompt,
    budget: PromptBudget | None,
    known: Found,
) -> Arm:
    """Documents where there are some; else the training rows are what can be looked up."""
    count = known.passages or _number(settings.passages, AUTO_PASSAGES)
    if known.documents is not None:
        prompts = under_prompt(golden, instructions)
        questions = [question_of(item) for item in golden]
        return with_passages("rag", prompts, questions, count, known.documents, budget)
    rows = known.rows or index_rows(train)
    return nearest_examples("rag", golden, train, count, rows, instructions, budget)


def _tuned_rag(
    golden: Sequence[Example],
    data: DataSettings,
    settings: EvaluationSettings,
    budget: PromptBudget | None,
    known: Found,
) -> Arm:
    if known.documents is None:
        return Arm("tuned-rag", (), obstacle="no documents: name a folder in evaluation.documents")
    prompts = alone(golden, data.system_prompt)
    questions = [question_of(item) for item in golden]
    count = known.passages or _number(settings.passages, AUTO_PASSAGES)
    return with_passages("tuned-rag", prompts, questions, count, known.documents, budget)


def _number(asked: int | str, automatic: int) -> int:
    return asked if isinstance(asked, int) else automatic
