"""What inputs are compared by."""

from __future__ import annotations

from luthier.data.input_text import comparison_texts, identity_text, inner_identity_texts, normalise
from luthier.examples import Example, Message

INSTRUCTION = "You are the desk of a bank. Read the message and name its intent, with one word and no more: "
QUESTIONS = [
    "where is my card",
    "the app crashed again",
    "refund me please",
    "what is the fee",
    "close my account",
    "new pin code",
    "verify identity",
    "top up failed",
    "cash machine ate it",
    "rate for dollars",
    "double payment",
    "who are you",
    "open an account",
    "transfer is late",
]


def test_case_space_and_numbers_make_no_difference():
    assert normalise("  Order\n 123  LATE") == normalise("order 987 late")


def test_identity_forgives_case_and_space_only(ask):
    assert identity_text(ask("Hello  you ")) == identity_text(ask("hello you"))
    assert identity_text(ask("pay 5")) != identity_text(ask("pay 6"))
    assert identity_text(ask("a", system="x")) != identity_text(ask("a", system="y"))


def test_an_instruction_that_all_rows_repeat_is_left_out(ask):
    in_the_prompt = comparison_texts([ask(INSTRUCTION + question) for question in QUESTIONS], 0.8)
    in_the_system_turn = comparison_texts([ask(question, system=INSTRUCTION) for question in QUESTIONS], 0.8)

    assert [views[-1] for views in in_the_prompt] == QUESTIONS
    assert [views[-1] for views in in_the_system_turn] == QUESTIONS


def test_ordinary_rows_are_compared_whole(ask):
    assert comparison_texts([ask(question) for question in QUESTIONS], 0.8) == [(question,) for question in QUESTIONS]


def test_a_row_that_is_nothing_but_the_instruction_is_compared_whole(ask):
    rows = [ask(INSTRUCTION + question) for question in QUESTIONS]

    assert comparison_texts([*rows, ask(INSTRUCTION)], 0.8)[-1] == (normalise(INSTRUCTION),)


def test_each_trained_turn_before_the_last_has_an_input_of_its_own(ask):
    turns = (
        Message("user", "a"),
        Message("assistant", "b"),
        Message("user", "c"),
        Message("assistant", "d", weight=0),
        Message("user", "e"),
        Message("assistant", "f"),
    )

    assert inner_identity_texts(Example(turns)) == [identity_text(ask("a"))]
