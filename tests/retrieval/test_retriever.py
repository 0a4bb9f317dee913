"""Words and meaning together."""

import numpy as np
import pytest

from luthier.retrieval import Chunk, SqliteStore, fill, reciprocal_rank_fusion, unit_vectors

TEXTS = ("the cat sleeps", "a kitten naps", "stocks fell sharply", "the cat market")
MEANING = {"cat": (1, 0), "kitten": (1, 0), "naps": (0.5, 0), "sleeps": (0.5, 0), "stocks": (0, 1), "market": (0, 1)}


def embed(texts):
    return [np.sum([MEANING.get(word, (0, 0)) for word in text.split()], axis=0).tolist() for text in texts]


@pytest.fixture
def store():
    made = SqliteStore()
    yield made
    made.close()


def chunks():
    return [Chunk(str(number), "", text, 0, len(text)) for number, text in enumerate(TEXTS)]


def test_words_alone_miss_what_is_said_otherwise(store):
    found = fill(store, chunks()).search("cat sleeps", 4)
    assert [(passage.chunk.document, passage.rank) for passage in found] == [("0", 1), ("3", 2)]


def test_with_meaning_the_other_wording_is_found(store):
    found = fill(store, chunks(), embed).search("cat sleeps", 3)
    assert [passage.chunk.document for passage in found] == ["0", "3", "1"]


def test_fusion_is_the_sum_of_reciprocal_ranks():
    assert reciprocal_rank_fusion([[1, 2, 3], [3, 2]], constant=60) == [3, 2, 1]
    assert reciprocal_rank_fusion([[5, 6], []]) == [5, 6]


def test_a_vector_of_zeros_stays_one():
    assert unit_vectors([[0, 0], [3, 4]]).tolist() == [[0, 0], pytest.approx([0.6, 0.8])]
