"""Training rows shown as earlier turns: the same for every item, or for each item those nearest to it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from luthier.evaluation.few_shot import as_turns, choose_shots, is_usable
from luthier.evaluation.solvers.plain import one_under_prompt, under_prompt
from luthier.evaluation.solvers.plan import Arm, PromptBudget, fits
from luthier.evaluation.task_prompt import TaskPrompt
from luthier.examples import Example
from luthier.retrieval import Chunk, Embed, Passage, Retriever, SqliteStore, fill

# Tokens added by shots hardly depend on the item, so the fit is tried on the few longest items only.
LONGEST_ITEMS_TRIED = 8


def fixed_examples(
    items: Sequence[Example],
    train: Sequence[Example],
    count: int,
    seed: int,
    instructions: TaskPrompt,
    budget: PromptBudget | None,
) -> Arm:
    """As many shots as fit before the longest items: drawn ones first, then the shortest, then fewer."""
    longest = _longest_items(items, instructions, budget)
    for fewer in range(count, 0, -1):
        for shortest in (False, True):
            shots = choose_shots(train, fewer, seed, shortest)
            turns = as_turns(shots, train)
            prompts = under_prompt(longest, instructions, turns)
            if len(shots) == fewer and all(fits(prompt, budget) for prompt in prompts):
                notes = () if fewer == count else (f"{fewer} of {count} few-shot examples {_reason(train, count)}",)
                return Arm(
                    "few-shot", under_prompt(items, instructions, turns), fewer, notes, f"{fewer} fixed examples"
                )
    notes = (f"0 of {count} few-shot examples {_reason(train, count)}: the arm is the prompt arm once more",)
    return Arm("few-shot", under_prompt(items, instructions), 0, notes, "0 fixed examples")


def index_rows(train: Sequence[Example], embed: Embed | None = None) -> Retriever:
    """The questions of the training rows that can be shown as turns, each one passage named by its row's number."""
    chunks = [
        Chunk(str(number), "", text := question_of(row), 0, len(text))
        for number, row in enumerate(train)
        if is_usable(row)
    ]
    return fill(SqliteStore(), chunks, embed)


def nearest_examples(
    name: str,
    items: Sequence[Example],
    train: Sequence[Example],
    count: int,
    rows: Retriever,
    instructions: TaskPrompt,
    budget: PromptBudget | None,
) -> Arm:
    """For each item the ``count`` training rows whose questions are most like it, the most alike last."""
    began = time.perf_counter()
    found = [tuple(rows.search(question_of(item), count)) for item in items]
    seconds = time.perf_counter() - began
    prompts, shown = [], []
    for item, passages in zip(items, found, strict=True):
        fitting = len(passages)
        while True:
            near = [train[_row_number(passage)] for passage in passages[:fitting]]
            prompt = one_under_prompt(item, instructions, as_turns(near[::-1], train))
            if fitting == 0 or fits(prompt, budget):
                break
            fitting -= 1
        prompts.append(prompt)
        shown.append(fitting)
    return Arm(
        name,
        tuple(prompts),
        notes=tuple(_notes(found, shown)),
        solver=f"{count} nearest training rows",
        obstacle=None if any(shown) else _no_row(found),
        found=tuple(found),
        shown=tuple(shown),
        lookup_seconds=seconds,
    )


def question_of(example: Example) -> str:
    """What is looked up: the last thing the user said."""
    return next((turn.content for turn in reversed(example.prompt) if turn.role == "user"), "")


def _row_number(passage: Passage) -> int:
    return int(passage.chunk.document)


def _notes(found: Sequence[Sequence[Passage]], shown: Sequence[int]) -> list[str]:
    cut = sum(count < len(passages) for passages, count in zip(found, shown, strict=True))
    return [f"before {cut} of {len(shown)} items not all nearest rows fit"] if cut else []


def _no_row(found: Sequence[Sequence[Passage]]) -> str:
    if any(found):
        return "no training row fits before any item: the context is too short"
    return "no training row has a word in common with an item, or none can be shown as plain turns"


def _longest_items(items: Sequence[Example], instructions: TaskPrompt, budget: PromptBudget | None) -> list[Example]:
    if budget is None:
        return list(items)
    tokens = [budget.count_tokens(prompt.messages) for prompt in under_prompt(items, instructions)]
    order = sorted(range(len(items)), key=lambda index: -tokens[index])
    return [items[index] for index in order[:LONGEST_ITEMS_TRIED]]


def _reason(train: Sequence[Example], asked: int) -> str:
    usable = len(choose_shots(train, asked, seed=0))
    if usable < asked:
        return f"used, as {usable} training rows at most can be shown as plain user and assistant turns"
    return "fit before the longest golden item"
