"""What is alike is linked."""

from __future__ import annotations

from luthier.data.near_groups import group_inputs, link_inputs, near_to
from luthier.examples import Example, Message

LONG = "please tell me where my new card is, I have been waiting for weeks"


def test_identical_and_near_inputs_are_told_apart(ask):
    rows = [ask(LONG), ask(LONG.upper()), ask(LONG + " now"), ask("something else altogether")]

    identical, near = near_to(link_inputs(rows, 0.8), [0])

    assert identical == {1}
    assert near == {2}


def test_groups_are_linked_through_a_middle(ask):
    rows = [ask(LONG), ask("a wholly different thing"), ask(LONG + " for it"), ask(LONG + " for it and more")]

    groups = group_inputs(link_inputs(rows, 0.8), range(4))

    assert sorted(map(sorted, groups)) == [[0, 2, 3], [1]]


def test_at_similarity_one_only_identical_inputs_count(ask):
    rows = [ask("what is 3 + 4"), ask("what is 5 + 6"), ask("What is 3 + 4 ")]

    groups = group_inputs(link_inputs(rows, 1.0), range(3))

    assert sorted(map(sorted, groups)) == [[0, 2], [1]]


def test_a_conversation_that_begins_with_the_whole_of_another_is_near_it(ask):
    longer = Example(
        (
            Message("user", LONG),
            Message("assistant", "Tomorrow."),
            Message("user", "And the letter?"),
            Message("assistant", "Today."),
        )
    )

    assert near_to(link_inputs([ask(LONG), longer], 0.8), [0])[1] == {1}


def test_hello_alone_links_no_conversations(ask):
    longer = Example(
        (Message("user", "hello"), Message("assistant", "Hi!"), Message("user", LONG), Message("assistant", "Today."))
    )

    assert near_to(link_inputs([ask("hello"), longer], 0.8), [0]) == (frozenset(), frozenset())
