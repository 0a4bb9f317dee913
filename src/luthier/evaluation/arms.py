"""The arms of a comparison: the same golden items, asked of the model in four ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from luthier.data import AnswerKind
from luthier.evaluation.answers import Prompt
from luthier.evaluation.few_shot import as_turns, choose_shots
from luthier.evaluation.task_prompt import TaskPrompt, task_prompt
from luthier.examples import Example, Message
from luthier.recipe import ArmName, DataSettings, EvaluationSettings

# Tokens added by shots hardly depend on the item, so the fit is tried on the few longest items only.
LONGEST_ITEMS_TRIED = 8


@dataclass(frozen=True)
class PromptBudget:
    """How long a prompt may be. ``count_tokens`` counts the rendered conversation, up to where the answer begins."""

    count_tokens: Callable[[Sequence[Message]], int]
    max_prompt_tokens: int


@dataclass(frozen=True)
class Arm:
    """One arm's prompts. Each carries ``shots`` examples; ``notes`` say what was left out or is too long."""

    name: str
    prompts: tuple[Prompt, ...]
    shots: int = 0
    notes: tuple[str, ...] = ()


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
) -> Arm:
    """How "base", "prompt", "few-shot" or "tuned" puts each golden item to the model.

    The tuned arm sees exactly what training saw. Without a budget every shot that was asked for is used.
    """
    match name:
        case "base":
            arm = Arm(name, tuple(Prompt(example.prompt, example.tools) for example in golden))
        case "prompt":
            arm = Arm(name, _prompts(golden, task_prompt(train, settings, data, kind), ()))
        case "few-shot":
            arm = _few_shot(golden, train, settings, task_prompt(train, settings, data, kind), budget)
        case "tuned":
            seen = golden if data.system_prompt is None else [row.with_system(data.system_prompt) for row in golden]
            arm = Arm(name, tuple(Prompt(example.prompt, example.tools) for example in seen))
        case _:
            assert_never(name)
    return arm if budget is None else _with_note_on_length(arm, budget)


def _few_shot(
    golden: Sequence[Example],
    train: Sequence[Example],
    settings: EvaluationSettings,
    instructions: TaskPrompt,
    budget: PromptBudget | None,
) -> Arm:
    """As many shots as fit before the longest items: drawn ones first, then the shortest, then fewer."""
    longest = _longest_items(golden, instructions, budget)
    asked = settings.few_shot_examples
    for count in range(asked, 0, -1):
        for shortest in (False, True):
            shots = choose_shots(train, count, settings.seed, shortest)
            turns = as_turns(shots, train)
            if len(shots) == count and _all_fit(_prompts(longest, instructions, turns), budget):
                notes = () if count == asked else (f"{count} of {asked} few-shot examples {_reason(train, asked)}",)
                return Arm("few-shot", _prompts(golden, instructions, turns), count, notes)
    notes = (f"0 of {asked} few-shot examples {_reason(train, asked)}: the arm is the prompt arm once more",)
    return Arm("few-shot", _prompts(golden, instructions, ()), 0, notes)


def _reason(train: Sequence[Example], asked: int) -> str:
    usable = len(choose_shots(train, asked, seed=0))
    if usable < asked:
        return f"used, as {usable} training rows at most can be shown as plain user and assistant turns"
    return "fit before the longest golden item"


def _prompts(
    golden: Sequence[Example], instructions: TaskPrompt, shot_turns: tuple[Message, ...]
) -> tuple[Prompt, ...]:
    """System turn, shots, then the item's own turns: a header that a prefix cache computes once."""
    prompts: list[Prompt] = []
    for example in golden:
        system, *turns = instructions.over(example.prompt)
        prompts.append(Prompt((system, *shot_turns, *turns), example.tools))
    return tuple(prompts)


def _longest_items(
    golden: Sequence[Example], instructions: TaskPrompt, budget: PromptBudget | None
) -> Sequence[Example]:
    if budget is None:
        return golden
    tokens = [budget.count_tokens(prompt.messages) for prompt in _prompts(golden, instructions, ())]
    order = sorted(range(len(golden)), key=lambda index: -tokens[index])
    return [golden[index] for index in order[:LONGEST_ITEMS_TRIED]]


def _all_fit(prompts: Sequence[Prompt], budget: PromptBudget | None) -> bool:
    return budget is None or all(budget.count_tokens(row.messages) <= budget.max_prompt_tokens for row in prompts)


def _with_note_on_length(arm: Arm, budget: PromptBudget) -> Arm:
    too_long = sum(not _all_fit((prompt,), budget) for prompt in arm.prompts)
    if not too_long:
        return arm
    note = f"{too_long} of {len(arm.prompts)} prompts are longer than {budget.max_prompt_tokens} tokens"
    return Arm(arm.name, arm.prompts, arm.shots, (*arm.notes, note))
