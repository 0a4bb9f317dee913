"""The worked examples of the few-shot arm: training rows shown as earlier turns, the same for every item."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

from luthier.examples import Example, Message

# Of each label's rows, in order of length, the first half is drawn from: short, but not only the shortest oddities.
DRAWN_SHARE = 0.5


def choose_shots(train: Sequence[Example], count: int, seed: int, shortest: bool = False) -> list[Example]:
    """``count`` usable rows with as many different answers as there are; drawn, or simply the shortest."""
    draw = random.Random(seed)
    by_answer: dict[str, list[Example]] = defaultdict(list)
    for example in train:
        if is_usable(example):
            by_answer[example.answer.content.strip()].append(example)
    answers = sorted(by_answer)
    draw.shuffle(answers)
    queues = {answer: _in_drawing_order(by_answer[answer], draw, shortest) for answer in answers}
    # Free-form answers are all different, so the drawing by length has to happen between them.
    answers.sort(key=lambda answer: _characters(queues[answer][0]))
    if not shortest:
        preferred = answers[: max(count, round(len(answers) * DRAWN_SHARE))]
        rest = answers[len(preferred) :]
        draw.shuffle(preferred)
        answers = preferred + rest
    shots: list[Example] = []
    while len(shots) < count and any(queues.values()):
        shots += [queues[answer].pop(0) for answer in answers if queues[answer]][: count - len(shots)]
    # The last shot weighs most with small models; which label that is should be chance.
    draw.shuffle(shots)
    return shots


def as_turns(shots: Sequence[Example], train: Sequence[Example]) -> tuple[Message, ...]:
    """The shots as user and assistant turns.

    System turns cannot come in mid-conversation. One that all training rows share is left out, since the task prompt
    stands in its place; one that differs from row to row is part of the input and opens the shot's first user turn.
    """
    differs = len({_system_text(example) for example in train}) > 1
    turns: list[Message] = []
    for shot in shots:
        spoken = [Message(turn.role, turn.content) for turn in (*_turns(shot), shot.answer)]
        if differs and (system := _system_text(shot)):
            spoken[0] = Message("user", f"{system}\n\n{spoken[0].content}")
        turns += spoken
    return tuple(turns)


def is_usable(example: Example) -> bool:
    """Text only, user and assistant in turn: what every chat template accepts before the real question."""
    roles = [turn.role for turn in _turns(example)]
    in_turn = len(roles) % 2 == 1 and roles == ["user" if i % 2 == 0 else "assistant" for i in range(len(roles))]
    calls_tools = any(turn.tool_calls for turn in (*example.prompt, example.answer))
    return in_turn and not calls_tools and bool(example.answer.content.strip())


def _in_drawing_order(examples: Sequence[Example], draw: random.Random, shortest: bool) -> list[Example]:
    by_length = sorted(examples, key=_characters)
    if shortest:
        return by_length
    half = max(1, round(len(by_length) * DRAWN_SHARE))
    drawn, rest = by_length[:half], by_length[half:]
    draw.shuffle(drawn)
    return drawn + rest


def _turns(example: Example) -> tuple[Message, ...]:
    return tuple(turn for turn in example.prompt if turn.role not in ("system", "developer"))


def _system_text(example: Example) -> str:
    return "\n\n".join(turn.content for turn in example.prompt if turn.role in ("system", "developer"))


def _characters(example: Example) -> int:
    return sum(len(turn.content) for turn in (*example.prompt, example.answer))
