"""MinHash proposes, the exact Jaccard decides: compared with trying every pair."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from luthier.data.near_duplicates import choose_bands, exact_jaccard, hash_windows, near_pairs

WORDS = (Path(__file__).parent / "common_words.txt").read_text().split()


def grams(text: str) -> frozenset[str]:
    padded = text.ljust(5, "\0")
    return frozenset(padded[start : start + 5] for start in range(len(padded) - 4))


def every_pair(texts: list[str], similarity: float) -> set[tuple[int, int]]:
    sets = [grams(text) for text in texts]
    return {
        (one, other)
        for other in range(len(texts))
        for one in range(other)
        if len(sets[one] & sets[other]) >= similarity * len(sets[one] | sets[other])
    }


def made_texts(count: int, seed: int) -> list[str]:
    """Sentences of common words, every second one a slightly changed copy of the one before."""
    draw = random.Random(seed)
    texts: list[str] = []
    while len(texts) < count:
        words = draw.choices(WORDS, k=draw.randint(3, 14))
        texts.append(" ".join(words))
        words[draw.randrange(len(words))] = draw.choice(WORDS)
        texts.append(" ".join(words))
    return sorted(set(texts))


@pytest.mark.parametrize("similarity", [0.5, 0.8, 0.95])
def test_the_pairs_are_those_that_trying_all_would_find(similarity):
    texts = made_texts(600, seed=3)

    assert set(near_pairs(texts, similarity)) == every_pair(texts, similarity)


@given(st.lists(st.text(alphabet="abc", max_size=12), unique=True, max_size=12), st.sampled_from([0.3, 0.6, 0.8]))
@hypothesis_settings(max_examples=40, deadline=None)
def test_no_pair_is_ever_wrong_and_short_texts_are_no_exception(texts, similarity):
    assert set(near_pairs(texts, similarity)) <= every_pair(texts, similarity)


def test_many_variants_of_one_text_are_all_linked():
    texts = [
        f"please tell me how long it takes until my new card arrives at home, thank you {mark}"
        for mark in map(chr, range(0x4E00, 0x4E00 + 1700))
    ]

    linked = {index for pair in near_pairs(texts, 0.8) for index in pair}

    assert len(linked) == len(texts)


def test_bands_follow_the_threshold():
    for similarity in (0.3, 0.5, 0.8, 0.95):
        rows, bands = choose_bands(similarity)
        assert (1 - similarity**rows) ** bands <= 1e-4
    assert choose_bands(0.9)[0] > choose_bands(0.5)[0]


@given(st.text(min_size=5, max_size=30), st.text(min_size=5, max_size=30))
def test_a_window_has_one_hash_wherever_it_stands(before, text):
    assert set(hash_windows(text, 5).tolist()) <= set(hash_windows(before + text, 5).tolist())


def test_jaccard_is_shared_over_all():
    assert exact_jaccard(frozenset({1, 2, 3}), frozenset({2, 3, 4})) == 0.5


def test_fifteen_thousand_short_rows_take_seconds():
    texts = made_texts(15_000, seed=5)
    started = time.process_time()

    pairs = list(near_pairs(texts, 0.8))

    assert pairs
    assert time.process_time() - started < 10
