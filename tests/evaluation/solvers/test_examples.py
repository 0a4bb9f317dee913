"""Nearest training rows come as earlier turns, the most alike last."""

from collections.abc import Sequence

from luthier.evaluation import PromptBudget
from luthier.evaluation.solvers import nearest_examples
from luthier.evaluation.solvers.examples import index_rows
from luthier.evaluation.task_prompt import TaskPrompt
from luthier.examples import Example, Message

SORT = TaskPrompt("Sort.", joins_own_system=True)


def row(question: str, answer: str) -> Example:
    return Example((Message("user", question), Message("assistant", answer)))


TRAIN = [
    row("my lamp is broken", "fault"),
    row("where is my order", "order"),
    row("the lamp is dark and broken", "fault"),
]
ITEM = row("lamp dark", "GOLDEN")


def count_words(messages: Sequence[Message]) -> int:
    return sum(len(turn.content.split()) for turn in messages)


def near(most: int | None = None, item: Example = ITEM):
    budget = None if most is None else PromptBudget(count_words, most)
    return nearest_examples("rag", [item], TRAIN, 2, index_rows(TRAIN), SORT, budget)


def test_the_most_alike_row_stands_last():
    arm = near()
    assert [turn.content for turn in arm.prompts[0].messages] == [
        "Sort.",
        "my lamp is broken",
        "fault",
        "the lamp is dark and broken",
        "fault",
        "lamp dark",
    ]
    assert (arm.shown, arm.solver) == ((2,), "2 nearest training rows")


def test_the_least_alike_row_is_left_out_first():
    arm = near(most=10)
    assert [turn.content for turn in arm.prompts[0].messages][1] == "the lamp is dark and broken"
    assert arm.notes == ("before 1 of 1 items not all nearest rows fit",)


def test_an_arm_without_any_row_says_why():
    assert "the context is too short" in (near(most=3).obstacle or "")
    assert "no training row has a word in common" in (near(item=row("zzz", "x")).obstacle or "")


def test_rows_with_tool_calls_are_not_looked_up():
    call = Message("assistant", "", tool_calls=({"id": "1"},))
    assert len(index_rows([Example((Message("user", "lamp"), call)), *TRAIN]).store) == len(TRAIN)
