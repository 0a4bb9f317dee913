"""The rules of turn order, no more than needed."""

from __future__ import annotations

import pytest

from luthier.data.conversation import check_conversation
from luthier.data.rows import RowRefused
from luthier.examples import Message

USER = Message("user", "hello")
ANSWER = Message("assistant", "hi")
SYSTEM = Message("system", "Be kind.")
CALL = Message(
    "assistant", "", tool_calls=({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},)
)
RESULT = Message("tool", "", tool_call_id="c1")


@pytest.mark.parametrize(
    "turns",
    [
        (USER, ANSWER),
        (SYSTEM, USER, ANSWER),
        (SYSTEM, ANSWER),
        (USER, USER, ANSWER, ANSWER),
        (USER, ANSWER, USER),
        (USER, CALL),
        (USER, CALL, RESULT, ANSWER),
        (USER, CALL, RESULT, RESULT, ANSWER),
        (USER, CALL, Message("tool", "warm"), ANSWER),
        (Message("system", ""), USER, ANSWER),
        (USER, Message("assistant", "hi", weight=0.0), USER, ANSWER),
    ],
)
def test_conversations_that_can_be_learnt_from_pass(turns):
    check_conversation(turns)


@pytest.mark.parametrize(
    ("turns", "found"),
    [
        ((ANSWER, USER, ANSWER), "begins with the assistant"),
        ((USER,), "nothing to train: no assistant turn"),
        ((USER, Message("assistant", "hi", weight=0.0)), "every assistant turn has weight 0"),
        ((USER, RESULT, ANSWER), "turn 2 (tool) answers no tool call"),
        ((USER, CALL, USER, RESULT, ANSWER), "turn 4 (tool) answers no tool call"),
        ((USER, CALL, Message("tool", "x", tool_call_id="c9"), ANSWER), "'c9', which nobody made"),
        ((Message("user", " \n"), ANSWER), "turn 1 (user) is empty"),
        ((USER, Message("assistant", "")), "turn 2 (assistant) is empty"),
    ],
)
def test_conversations_that_cannot_are_refused(turns, found):
    with pytest.raises(RowRefused) as caught:
        check_conversation(turns)

    assert found in caught.value.found
    assert caught.value.fix
