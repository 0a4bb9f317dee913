"""PostgreSQL with pgvector as the store, for many documents and many readers.

The statements follow pgvector's and PostgreSQL's documentation. They have not been run against a server here: the
tests check what is sent, with a connection that only records. Needs `pip install "psycopg[binary]"`, on the server
the extension `vector`, and a role that may create it and tables.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from luthier.errors import StorageError
from luthier.retrieval.chunks import Chunk
from luthier.retrieval.store import Vectors
from luthier.retrieval.words import query_words, searchable


class PgvectorStore:
    """A table of passages with a text-search index and, where there are vectors, an HNSW index by cosine.

    ``configuration`` is PostgreSQL's text-search configuration: "english" stems, "simple" suits many languages.
    """

    def __init__(self, connection: Any, table: str = "luthier_passages", configuration: str = "english"):
        for name in (table, configuration):
            # Names cannot be parameters of a statement, so nothing but a plain name comes in.
            if not re.fullmatch(r"[a-z_][a-z0-9_]{0,50}", name):
                raise StorageError(
                    f"{name!r} is no plain name", expected="small letters, digits and _", fix="choose another name"
                )
        self._connection = connection
        self._table = table
        self._configuration = configuration
        self._count = 0

    def add(self, chunks: Sequence[Chunk], vectors: Vectors | None = None) -> None:
        if self._count == 0:
            self._create(None if vectors is None else vectors.shape[1])
        rows = [
            (
                self._count + place,
                chunk.document,
                chunk.heading,
                chunk.text,
                chunk.start,
                chunk.end,
                searchable(f"{chunk.document} {chunk.heading}"),
                searchable(chunk.text),
                *((_literal(vectors[place]),) if vectors is not None else ()),
            )
            for place, chunk in enumerate(chunks)
        ]
        columns = "number, document, heading, text, start_at, end_at, words"
        values = "%s, %s, %s, %s, %s, %s, " + (
            f"setweight(to_tsvector('{self._configuration}', %s), 'A') || to_tsvector('{self._configuration}', %s)"
        )
        if vectors is not None:
            columns, values = f"{columns}, vector", f"{values}, %s::vector"
        with self._connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {self._table} ({columns}) VALUES ({values})", rows)
        self._connection.commit()
        self._count += len(chunks)

    def by_words(self, question: str, count: int) -> list[int]:
        words = query_words(question)
        if not words:
            return []
        # Any of the words, as in SQLite: to_tsquery with "|" between quoted words.
        query = " | ".join(f"'{word}'" for word in words)
        statement = (
            f"SELECT number FROM {self._table}, to_tsquery('{self._configuration}', %s) AS asked "
            "WHERE words @@ asked ORDER BY ts_rank_cd(words, asked, 1) DESC, number LIMIT %s"
        )
        return [row[0] for row in self._fetch(statement, (query, count))]

    def by_vector(self, vector: np.ndarray, count: int) -> list[int]:
        statement = f"SELECT number FROM {self._table} WHERE vector IS NOT NULL ORDER BY vector <=> %s::vector LIMIT %s"
        return [row[0] for row in self._fetch(statement, (_literal(vector), count))]

    def chunk(self, number: int) -> Chunk:
        statement = f"SELECT document, heading, text, start_at, end_at FROM {self._table} WHERE number = %s"
        return Chunk(*self._fetch(statement, (number,))[0])

    def __len__(self) -> int:
        return self._count

    def _create(self, dimensions: int | None) -> None:
        vector = f", vector vector({dimensions})" if dimensions is not None else ""
        with self._connection.cursor() as cursor:
            if dimensions is not None:
                cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
            cursor.execute(f"DROP TABLE IF EXISTS {self._table}")
            cursor.execute(
                f"CREATE TABLE {self._table} (number bigint PRIMARY KEY, document text NOT NULL, "
                f"heading text NOT NULL, text text NOT NULL, start_at integer NOT NULL, end_at integer NOT NULL, "
                f"words tsvector NOT NULL{vector})"
            )
            cursor.execute(f"CREATE INDEX ON {self._table} USING gin (words)")
            if dimensions is not None:
                cursor.execute(f"CREATE INDEX ON {self._table} USING hnsw (vector vector_cosine_ops)")

    def _fetch(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())


def connect_pgvector(address: str, table: str = "luthier_passages", configuration: str = "english") -> PgvectorStore:
    """A store in the database at ``address`` (`postgresql://user@host/name`); an old table of that name is replaced."""
    try:
        psycopg: Any = importlib.import_module("psycopg")
    except ImportError:
        raise StorageError(
            "psycopg is not installed", expected="PostgreSQL's driver", fix='pip install "psycopg[binary]"'
        ) from None
    try:
        return PgvectorStore(psycopg.connect(address), table, configuration)
    except psycopg.OperationalError as error:
        first = str(error).strip().splitlines()[:1]
        raise StorageError(
            f"PostgreSQL cannot be reached: {''.join(first)}",
            expected="an address like postgresql://user@host/name",
            fix="check the address and whether the server runs",
        ) from None


def _literal(vector: np.ndarray) -> str:
    """pgvector's text form: [1,2,3]."""
    return "[" + ",".join(f"{number:.9g}" for number in vector.tolist()) + "]"
