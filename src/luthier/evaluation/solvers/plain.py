"""The item by itself, or under a task prompt."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.evaluation.answers import Prompt
from luthier.evaluation.task_prompt import TaskPrompt
from luthier.examples import Example, Message


def alone(items: Sequence[Example], system_prompt: str | None = None) -> tuple[Prompt, ...]:
    """The row's own turns; ``system_prompt`` stands before those that bring no system turn, as in training."""
    seen = items if system_prompt is None else [item.with_system(system_prompt) for item in items]
    return tuple(Prompt(item.prompt, item.tools) for item in seen)


def under_prompt(
    items: Sequence[Example], instructions: TaskPrompt, shot_turns: tuple[Message, ...] = ()
) -> tuple[Prompt, ...]:
    """System turn, shots, then the item's own turns: a header that a prefix cache computes once."""
    return tuple(one_under_prompt(item, instructions, shot_turns) for item in items)


def one_under_prompt(item: Example, instructions: TaskPrompt, shot_turns: tuple[Message, ...]) -> Prompt:
    system, *turns = instructions.over(item.prompt)
    return Prompt((system, *shot_turns, *turns), item.tools)
