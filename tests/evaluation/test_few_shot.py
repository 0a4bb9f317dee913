"""Shots are few, short, varied and the same for the same seed."""

from luthier.evaluation.few_shot import as_turns, choose_shots
from luthier.examples import Example, Message


def row(question: str, answer: str, system: str | None = None) -> Example:
    example = Example((Message("user", question), Message("assistant", answer)))
    return example if system is None else example.with_system(system)


LABELLED = [row(f"question {n} " + "x" * n, f"label {n % 5}") for n in range(100)]


def test_shots_spread_over_the_labels():
    answers = [shot.answer.content for shot in choose_shots(LABELLED, 5, seed=0)]
    assert sorted(answers) == [f"label {n}" for n in range(5)]
    assert len(choose_shots(LABELLED, 12, seed=0)) == 12


def test_the_same_seed_draws_the_same_shots_and_another_draws_others():
    assert choose_shots(LABELLED, 4, seed=1) == choose_shots(LABELLED, 4, seed=1)
    assert choose_shots(LABELLED, 4, seed=1) != choose_shots(LABELLED, 4, seed=2)


def test_the_order_of_the_rows_decides_nothing_where_lengths_differ():
    assert choose_shots(LABELLED, 4, seed=1) == choose_shots(LABELLED[::-1], 4, seed=1)


def test_shots_come_from_the_shorter_half_of_each_label():
    longest = max(len(shot.prompt[0].content) for shot in choose_shots(LABELLED, 10, seed=0))
    assert longest < max(len(example.prompt[0].content) for example in LABELLED[:60])


def test_shortest_means_the_shortest_of_all():
    free_text = [row("q" * (n + 1), "a" * (n + 1)) for n in range(50)]
    shots = choose_shots(free_text, 3, seed=0, shortest=True)
    assert sorted(len(shot.answer.content) for shot in shots) == [1, 2, 3]


def test_no_shot_is_shown_twice_and_there_are_never_more_than_rows():
    assert len(choose_shots(LABELLED[:3], 10, seed=0)) == 3
    assert choose_shots([], 4, seed=0) == []


def test_rows_with_tools_empty_answers_or_odd_turns_are_no_shots():
    call = Message("assistant", "", tool_calls=({"function": {"name": "f", "arguments": "{}"}},))
    asked = Message("user", "q")
    odd = [
        Example((asked, call)),
        Example((asked, call, Message("tool", "1"), Message("assistant", "a"))),
        Example((asked, asked, Message("assistant", "a"))),
        Example((Message("assistant", "hello"), asked, Message("assistant", "a"))),
        row("q", "  "),
    ]
    assert choose_shots([*odd, row("fine", "yes")], 4, seed=0) == [row("fine", "yes")]


def test_a_system_turn_that_all_rows_share_is_left_out_of_the_shots():
    train = [row("a", "1", "Same."), row("b", "2", "Same.")]
    assert [turn.content for turn in as_turns(train, train)] == ["a", "1", "b", "2"]


def test_a_system_turn_that_differs_is_part_of_the_question():
    train = [row("a", "1", "Case one."), row("b", "2")]
    assert [turn.content for turn in as_turns(train, train)] == ["Case one.\n\na", "1", "b", "2"]


def test_shots_carry_no_training_weights():
    shot = Example((Message("user", "q"), Message("assistant", "a", weight=0, reasoning="hm")))
    assert as_turns([shot], [shot]) == (Message("user", "q"), Message("assistant", "a"))
