"""SQLite finds passages by words in any script, whatever a question holds."""

import pytest

from luthier.retrieval import Chunk, SqliteStore

TEXTS = ("The red lamp flickers.", "Invoices are sent monthly.", "東京は日本の首都です。", "Lamps and invoices.")


@pytest.fixture
def store():
    made = SqliteStore()
    made.add([Chunk("d", "", text, 0, len(text)) for text in TEXTS])
    yield made
    made.close()


def test_words_are_found_by_their_stems(store):
    assert store.by_words("flickering", 3) == [0]
    assert store.by_words("invoice", 3) == [3, 1]
    assert len(store) == 4 and store.chunk(1).text == TEXTS[1]


def test_scripts_without_spaces_are_found(store):
    assert store.by_words("日本の首都はどこですか", 3) == [2]


@pytest.mark.parametrize(
    "question",
    ['lamp" OR 1=1 --', "lamp AND NOT (", "NEAR(lamp)", "lamp*", "^lamp", "body:lamp", "\x00lamp", "lamp " * 5000],
)
def test_no_question_breaks_the_query(store, question):
    assert 0 in store.by_words(question, 3)


@pytest.mark.parametrize("question", ["", "?!", "zzz"])
def test_what_shares_no_word_finds_nothing(store, question):
    assert store.by_words(question, 3) == []


def test_a_question_of_very_many_words_is_asked(store):
    assert store.by_words(" ".join(f"w{n}" for n in range(3000)), 3) == []
    assert store.by_words("lamp " + " ".join(f"w{n}" for n in range(3000)), 3) == [3, 0]


def test_a_heading_weighs_more_than_the_text():
    store = SqliteStore()
    store.add([Chunk("d", "", "about the reset of the hub", 0, 1), Chunk("d", "Reset", "hold the button down", 0, 1)])
    assert store.by_words("reset", 1) == [1]
    store.close()


def test_an_index_can_lie_in_a_file(tmp_path):
    for _ in range(2):
        store = SqliteStore(tmp_path / "passages.sqlite")
        store.add([Chunk("d", "", "lamp", 0, 4)])
        assert store.by_words("lamp", 5) == [0]
        store.close()


def test_vectors_come_with_all_passages_or_none(store):
    with pytest.raises(ValueError, match="all passages or with none"):
        import numpy as np

        store.add([Chunk("d", "", "x", 0, 1)], np.ones((1, 2), dtype=np.float32))
