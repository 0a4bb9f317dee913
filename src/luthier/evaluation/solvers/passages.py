"""Passages of documents, looked up for each item and put before its question."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from luthier.evaluation.answers import Prompt
from luthier.evaluation.solvers.plan import Arm, PromptBudget, fits
from luthier.retrieval import Passage, Retriever

# If more items than this share see no passage at all, the arm would mostly measure something else.
MOST_WITHOUT_PASSAGE = 0.5


def with_passages(
    name: str,
    prompts: Sequence[Prompt],
    questions: Sequence[str],
    count: int,
    documents: Retriever,
    budget: PromptBudget | None,
) -> Arm:
    """``prompts`` with up to ``count`` passages in the last user turn, fewer where they do not fit."""
    began = time.perf_counter()
    found = [tuple(documents.search(question, count)) for question in questions]
    seconds = time.perf_counter() - began
    asked, shown = [], []
    for prompt, passages in zip(prompts, found, strict=True):
        fitting = len(passages)
        while fitting and not fits(_before_question(prompt, passages[:fitting]), budget):
            fitting -= 1
        asked.append(_before_question(prompt, passages[:fitting]))
        shown.append(fitting)
    arm = Arm(
        name,
        tuple(asked),
        solver=f"{count} passages of documents",
        found=tuple(found),
        shown=tuple(shown),
        lookup_seconds=seconds,
    )
    without = sum(looked_up != () and count == 0 for looked_up, count in zip(found, shown, strict=True))
    if without > MOST_WITHOUT_PASSAGE * len(asked):
        obstacle = f"not one passage fits before {without} of {len(asked)} items: the context is too short"
        return replace(arm, prompts=(), obstacle=f"{obstacle}; try a smaller evaluation.passage_tokens")
    return replace(arm, notes=tuple(_notes(found, shown)))


def _before_question(prompt: Prompt, passages: Sequence[Passage]) -> Prompt:
    last = max((place for place, turn in enumerate(prompt.messages) if turn.role == "user"), default=None)
    if last is None or not passages:
        return prompt
    shown = "\n\n".join(f"[{passage.rank}] {_titled(passage)}" for passage in passages)
    turn = prompt.messages[last]
    text = f"Passages that may hold the answer:\n\n{shown}\n\n{turn.content}"
    return replace(
        prompt, messages=(*prompt.messages[:last], replace(turn, content=text), *prompt.messages[last + 1 :])
    )


def _titled(passage: Passage) -> str:
    heading = passage.chunk.heading
    return f"{heading}\n{passage.chunk.text}" if heading else passage.chunk.text


def _notes(found: Sequence[Sequence[Passage]], shown: Sequence[int]) -> list[str]:
    notes = []
    cut = sum(count < len(passages) for passages, count in zip(found, shown, strict=True))
    if cut:
        notes.append(f"before {cut} of {len(shown)} items not all passages fit")
    empty = sum(not passages for passages in found)
    if empty:
        notes.append(f"for {empty} of {len(found)} items no passage shares a word with the question")
    return notes
