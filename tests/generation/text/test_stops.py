"""Stop strings: the text ends before the one that is complete first, and no part of it was ever handed out."""

from hypothesis import example, given
from hypothesis import strategies as st

from luthier.generation.text import StopStrings

LETTERS = st.text(alphabet="ab\n", max_size=30)
STOPS = st.lists(st.text(alphabet="ab\n", min_size=1, max_size=5), max_size=4)


def letter_by_letter(text, stops):
    """The obvious way: what is left, and what ended it."""
    for end in range(len(text) + 1):
        complete = [stop for stop in stops if text[:end].endswith(stop)]
        if complete:
            found = max(complete, key=len)
            return text[: end - len(found)], found
    return text, None


@given(text=LETTERS, stops=STOPS, sizes=st.lists(st.integers(1, 4), min_size=30, max_size=30))
@example(text="aaba", stops=["b", "aba"], sizes=[1] * 30)
@example(text="aaba", stops=["b", "aba"], sizes=[4] * 30)
@example(text="ab", stops=["b", "ab"], sizes=[1] * 30)
def test_however_it_is_cut_the_text_ends_before_the_stop_string_that_is_complete_first(text, stops, sizes):
    reader, place, shown, handed = StopStrings(stops), 0, "", []
    for size in sizes:
        shown += reader.push(text[place : place + size])
        handed.append(shown)
        place += size
    shown += reader.finish()
    expected, stop = letter_by_letter(text, stops)
    assert (shown, reader.found) == (expected, stop)
    assert all(expected.startswith(part) for part in handed)


def test_what_is_complete_first_ends_the_text_even_inside_a_longer_one():
    reader = StopStrings(["end", "en"])
    assert reader.push("the end") == "the " and reader.found == "en"


def test_nothing_is_held_back_longer_than_needed():
    reader = StopStrings(["###"])
    assert [reader.push(part) for part in ("a#", "#", "b")] == ["a", "", "##b"]
