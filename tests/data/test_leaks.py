"""Training rows that give golden items away are found, and the items with them."""

from luthier.data import find_leaks
from luthier.examples import Example, Message, Origin


def example(text: str, line: int) -> Example:
    return Example((Message("user", text), Message("assistant", "answer")), origin=Origin("file", line))


GOLDEN = [
    example("My card was charged twice for the same order last week, please give me the money back.", 1),
    example("How do I change the delivery address of a parcel that is on its way already?", 2),
]


def test_an_identical_input_is_a_leak_whatever_its_case_and_spaces():
    rows = [example("how do I  change the delivery address of a parcel that is on its way already?", 5)]
    (leak,) = find_leaks(GOLDEN, rows)
    assert (leak.is_identical, leak.train.origin.line, leak.golden.origin.line) == (True, 5, 2)


def test_a_nearly_identical_input_is_a_leak_too():
    rows = [example("My card was charged twice for the same order last week; please give me the money back!", 7)]
    (leak,) = find_leaks(GOLDEN, rows)
    assert (leak.is_identical, leak.golden.origin.line) == (False, 1)


def test_at_similarity_one_only_identical_inputs_count():
    rows = [example("My card was charged twice for the same order last week; please give me the money back!", 7)]
    assert find_leaks(GOLDEN, rows, similarity=1.0) == ()


def test_other_inputs_are_no_leaks():
    assert find_leaks(GOLDEN, [example("The app crashes when I open the settings page.", 1)]) == ()
    assert find_leaks(GOLDEN, []) == ()


def test_two_training_rows_that_are_near_each_other_alone_are_no_leaks():
    rows = [example("The app crashes when I open the settings page.", 1)] * 2
    assert find_leaks(GOLDEN, rows) == ()
