"""Stop strings: the text ends before the first of them, and no part of it was ever handed out."""

from hypothesis import given
from hypothesis import strategies as st

from luthier.generation.text import StopStrings

LETTERS = st.text(alphabet="ab\n", max_size=30)


@given(text=LETTERS, stops=st.lists(st.text(alphabet="ab\n", min_size=1, max_size=5), max_size=4), cuts=st.randoms())
def test_what_is_handed_out_is_the_text_up_to_the_first_stop_string(text, stops, cuts):
    reader, place, found, handed = StopStrings(stops), 0, "", []
    first = min((at for stop in stops if (at := text.find(stop)) >= 0), default=None)
    while place < len(text):
        size = cuts.randint(1, 4)
        found += reader.push(text[place : place + size])
        handed.append(found)
        place += size
    found += reader.finish()
    expected = text if first is None else text[:first]
    assert found == expected and all(expected.startswith(part) for part in handed)
    assert (reader.found is None) == (first is None)


def test_of_two_at_one_place_the_longer_one_is_named():
    reader = StopStrings(["en", "end"])
    assert reader.push("the end") == "the " and reader.found == "end"


def test_nothing_is_held_back_longer_than_needed():
    reader = StopStrings(["###"])
    assert [reader.push(part) for part in ("a#", "#", "b")] == ["a", "", "##b"]
