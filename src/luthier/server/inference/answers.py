"""Whole answers, put together from their pieces: one per choice, and what they cost."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass, field

from luthier.answering import CalledTool, Delta, FinishReason, TokenChance, Usage


@dataclass
class Choice:
    """``tools``: whole calls, in order."""

    text: str = ""
    chances: list[TokenChance] = field(default_factory=list)
    tools: list[CalledTool] = field(default_factory=list)
    finish: FinishReason | None = None

    def add(self, delta: Delta) -> None:
        self.text += delta.text
        self.chances += delta.chances
        self.finish = delta.finish or self.finish
        for piece in delta.tools:
            if piece.index >= len(self.tools):
                self.tools.append(piece)
            else:
                known = self.tools[piece.index]
                self.tools[piece.index] = CalledTool(
                    known.index, known.arguments + piece.arguments, known.id or piece.id, known.name or piece.name
                )


@dataclass
class Answered:
    """``prompt_text`` and ``prompt_chances``: the prompt's own, where it was asked for."""

    choices: list[Choice]
    usage: Usage = field(default_factory=Usage)
    prompt_text: str | None = None
    prompt_chances: tuple[TokenChance, ...] = ()

    def add(self, delta: Delta) -> None:
        self.choices[delta.choice].add(delta)
        if delta.usage is not None:
            self.usage = delta.usage
        if delta.prompt_text is not None:
            self.prompt_text, self.prompt_chances = delta.prompt_text, delta.prompt_chances


def no_answer(choices: int) -> Answered:
    """Before the first piece."""
    return Answered([Choice() for _ in range(choices)])


async def collected(pieces: AsyncIterable[Delta], choices: int) -> Answered:
    answered = no_answer(choices)
    async for delta in pieces:
        answered.add(delta)
    return answered
