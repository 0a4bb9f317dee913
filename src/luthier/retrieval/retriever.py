"""A question in, ranked passages out: by words alone, or by words and meaning together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from luthier.retrieval.chunks import Chunk
from luthier.retrieval.store import PassageStore, Vectors

# Cormack, Clarke and Büttcher (2009), Reciprocal rank fusion outperforms Condorcet: k = 60.
FUSION_CONSTANT = 60
# Each ranking gives this many, so that a passage which is twentieth in both can still win.
FUSED_DEPTH = 50
EMBEDDED_AT_ONCE = 256

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""One vector per text, all of one length."""


@dataclass(frozen=True)
class Passage:
    """A passage that was found; ``rank`` counts from 1."""

    chunk: Chunk
    rank: int


@dataclass(frozen=True)
class Retriever:
    """A filled store and, where passages have vectors, what makes a vector of a question."""

    store: PassageStore
    embed: Embed | None = None

    def search(self, question: str, count: int) -> list[Passage]:
        """The ``count`` best passages, fewer where fewer match."""
        if self.embed is None:
            numbers = self.store.by_words(question, count)
        else:
            (vector,) = unit_vectors(self.embed([question]))
            depth = max(count, FUSED_DEPTH)
            rankings = [self.store.by_words(question, depth), self.store.by_vector(vector, depth)]
            numbers = reciprocal_rank_fusion(rankings)[:count]
        return [Passage(self.store.chunk(number), rank) for rank, number in enumerate(numbers, 1)]


def fill(store: PassageStore, chunks: Sequence[Chunk], embed: Embed | None = None) -> Retriever:
    """Put ``chunks`` into an empty ``store``, with vectors where there is an ``embed``."""
    for start in range(0, len(chunks), EMBEDDED_AT_ONCE):
        batch = chunks[start : start + EMBEDDED_AT_ONCE]
        texts = [f"{chunk.heading}\n{chunk.text}" if chunk.heading else chunk.text for chunk in batch]
        store.add(batch, unit_vectors(embed(texts)) if embed is not None else None)
    return Retriever(store, embed)


def reciprocal_rank_fusion(rankings: Sequence[Sequence[int]], constant: int = FUSION_CONSTANT) -> list[int]:
    """One ranking of many: each gives 1 / (constant + rank); equal sums keep the order of the first ranking."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, number in enumerate(ranking, 1):
            scores[number] = scores.get(number, 0.0) + 1 / (constant + rank)
    return sorted(scores, key=lambda number: -scores[number])


def unit_vectors(vectors: Sequence[Sequence[float]]) -> Vectors:
    """[N, D] float32, each row of length 1; a row of zeros stays one and is near to nothing."""
    array_ND = np.asarray(vectors, dtype=np.float32)
    lengths_N1 = np.linalg.norm(array_ND, axis=1, keepdims=True)
    return array_ND / np.where(lengths_N1 > 0, lengths_N1, 1)
