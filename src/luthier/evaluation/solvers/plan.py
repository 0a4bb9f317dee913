"""What a solver makes: the prompts of one arm, with what was looked up and left out on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from luthier.evaluation.answers import Prompt
from luthier.examples import Message
from luthier.retrieval import Passage


@dataclass(frozen=True)
class PromptBudget:
    """How long a prompt may be. ``count_tokens`` counts the rendered conversation, up to where the answer begins."""

    count_tokens: Callable[[Sequence[Message]], int]
    max_prompt_tokens: int


@dataclass(frozen=True)
class Arm:
    """One arm's prompts. Each carries ``shots`` examples; ``notes`` say what was left out or is too long.

    ``obstacle`` says why the arm cannot run; it then has no prompts. ``found`` are the passages looked up for each
    item, best first, and ``shown`` how many of them its prompt holds; ``lookup_seconds`` is what all of that took.
    """

    name: str
    prompts: tuple[Prompt, ...]
    shots: int = 0
    notes: tuple[str, ...] = ()
    solver: str = ""
    obstacle: str | None = None
    found: tuple[tuple[Passage, ...], ...] = ()
    shown: tuple[int, ...] = ()
    lookup_seconds: float = 0.0


def fits(prompt: Prompt, budget: PromptBudget | None) -> bool:
    return budget is None or budget.count_tokens(prompt.messages) <= budget.max_prompt_tokens


def noting_length(arm: Arm, budget: PromptBudget | None) -> Arm:
    """The arm with a note on prompts that leave no room for an answer."""
    too_long = sum(not fits(prompt, budget) for prompt in arm.prompts)
    if budget is None or not too_long:
        return arm
    note = f"{too_long} of {len(arm.prompts)} prompts are longer than {budget.max_prompt_tokens} tokens"
    return replace(arm, notes=(*arm.notes, note))
