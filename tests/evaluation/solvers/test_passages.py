"""Passages stand before the question, as many as fit."""

from collections.abc import Sequence

from luthier.evaluation import Prompt, PromptBudget
from luthier.evaluation.solvers import with_passages
from luthier.examples import Message
from luthier.retrieval import Chunk, SqliteStore, fill

TEXTS = ("Lamps glow warm.", "Lamps break if they fall down the stairs.", "Stocks fell.")
PROMPT = Prompt((Message("system", "Answer."), Message("user", "How do lamps glow?")))
RETRIEVER = fill(SqliteStore(), [Chunk(f"d{i}", "Lamps" if i == 0 else "", t, 0, len(t)) for i, t in enumerate(TEXTS)])


def count_words(messages: Sequence[Message]) -> int:
    return sum(len(turn.content.split()) for turn in messages)


def rag(prompt: Prompt = PROMPT, most: int | None = None, question: str = "How do lamps glow?"):
    budget = None if most is None else PromptBudget(count_words, most)
    return with_passages("rag", [prompt], [question], 2, RETRIEVER, budget)


def test_passages_are_numbered_and_named_before_the_question():
    arm = rag()
    assert arm.prompts[0].messages[0] == PROMPT.messages[0]
    assert arm.prompts[0].messages[1].content == (
        "Passages that may hold the answer:\n\n[1] Lamps\nLamps glow warm.\n\n"
        "[2] Lamps break if they fall down the stairs.\n\nHow do lamps glow?"
    )
    assert arm.shown == (2,) and arm.obstacle is None and arm.lookup_seconds > 0


def test_only_the_last_user_turn_gets_them():
    talk = Prompt((Message("user", "Hello"), Message("assistant", "Hi"), Message("user", "How do lamps glow?")))
    arm = rag(talk)
    assert arm.prompts[0].messages[:2] == talk.messages[:2]
    assert "Lamps glow warm." in arm.prompts[0].messages[2].content


def test_the_worst_passage_is_left_out_first_and_counted():
    arm = rag(most=20)
    assert arm.shown == (1,) and "Lamps glow warm." in arm.prompts[0].messages[1].content
    assert arm.notes == ("before 1 of 1 items not all passages fit",)
    assert len(arm.found[0]) == 2


def test_without_room_for_any_passage_the_arm_says_why_it_cannot_run():
    arm = rag(most=8)
    assert arm.prompts == () and arm.obstacle is not None
    assert "not one passage fits before 1 of 1 items: the context is too short" in arm.obstacle


def test_a_question_that_finds_nothing_stays_as_it_is_and_is_counted():
    arm = rag(question="zzz")
    assert arm.prompts == (PROMPT,) and arm.shown == (0,)
    assert arm.notes == ("for 1 of 1 items no passage shares a word with the question",)
