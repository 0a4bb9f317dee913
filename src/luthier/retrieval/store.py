"""Where passages lie and are looked up: the interface, and SQLite as the store that is always there."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from luthier.errors import StorageError
from luthier.retrieval.chunks import Chunk
from luthier.retrieval.words import query_words, searchable

# Headings say what a passage is about; a word there weighs twice. Measured on docs/retrieval.md's sets.
HEADING_WEIGHT = 2.0

Vectors = np.ndarray  # [N, D], float32, rows of length 1


class PassageStore(Protocol):
    """What a retriever needs of a store. Passages are numbered from 0 in the order in which they were added."""

    def add(self, chunks: Sequence[Chunk], vectors: Vectors | None = None) -> None:
        """Add passages; ``vectors`` [N, D] have length 1 and come with all passages or with none."""
        ...

    def by_words(self, question: str, count: int) -> list[int]:
        """Numbers of the passages that share words with ``question``, best first."""
        ...

    def by_vector(self, vector: np.ndarray, count: int) -> list[int]:
        """Numbers of the passages nearest to ``vector`` [D] by cosine, nearest first."""
        ...

    def chunk(self, number: int) -> Chunk: ...

    def __len__(self) -> int: ...


class SqliteStore:
    """SQLite FTS5 (`porter unicode61`, BM25), in memory or in a file; vectors in memory, compared with all.

    Comparing with all vectors is exact and takes about 20 ms per 100,000 passages of 384 numbers on one core.
    """

    def __init__(self, path: Path | None = None):
        self._database = sqlite3.connect(path or ":memory:")
        self._chunks: list[Chunk] = []
        self._vectors: Vectors | None = None
        try:
            self._database.execute("DROP TABLE IF EXISTS passages")
            self._database.execute(
                "CREATE VIRTUAL TABLE passages USING fts5(heading, body, tokenize = 'porter unicode61')"
            )
        except sqlite3.Error as error:
            raise StorageError(
                f"SQLite cannot make a full-text index: {error}",
                expected="a Python whose SQLite has FTS5, and a place to write",
                fix="use a Python from python.org, conda or the system",
            ) from None

    def add(self, chunks: Sequence[Chunk], vectors: Vectors | None = None) -> None:
        if vectors is not None and len(vectors) != len(chunks):
            raise ValueError(f"{len(vectors)} vectors for {len(chunks)} passages")
        if self._chunks and (vectors is None) != (self._vectors is None):
            raise ValueError("vectors come with all passages or with none")
        first = len(self._chunks)
        rows = [
            (first + place + 1, searchable(f"{chunk.document} {chunk.heading}"), searchable(chunk.text))
            for place, chunk in enumerate(chunks)
        ]
        with self._database:
            self._database.executemany("INSERT INTO passages (rowid, heading, body) VALUES (?, ?, ?)", rows)
        self._chunks.extend(chunks)
        if vectors is not None:
            self._vectors = vectors if self._vectors is None else np.concatenate([self._vectors, vectors])

    def by_words(self, question: str, count: int) -> list[int]:
        words = query_words(question)
        if not words:
            return []
        # Quoted, so that nothing in a question is taken for the query language; equal scores by their order.
        match = " OR ".join(f'"{word}"' for word in words)
        found = self._database.execute(
            "SELECT rowid FROM passages WHERE passages MATCH ? ORDER BY bm25(passages, ?, 1.0), rowid LIMIT ?",
            (match, HEADING_WEIGHT, count),
        )
        return [rowid - 1 for (rowid,) in found]

    def by_vector(self, vector: np.ndarray, count: int) -> list[int]:
        if self._vectors is None:
            return []
        scores_N = self._vectors @ vector
        return [int(number) for number in np.argsort(-scores_N, kind="stable")[:count]]

    def chunk(self, number: int) -> Chunk:
        return self._chunks[number]

    def __len__(self) -> int:
        return len(self._chunks)

    def close(self) -> None:
        self._database.close()
