"""What is sent to PostgreSQL, seen by a connection that only records; no server is asked."""

import numpy as np
import pytest

from luthier.errors import StorageError
from luthier.retrieval import Chunk, PgvectorStore, connect_pgvector, fill


class Recorder:
    """A connection and its cursor in one; answers with row 0."""

    def __init__(self):
        self.sent = []

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def execute(self, statement, values=()):
        self.sent.append((statement, values))

    def executemany(self, statement, rows):
        self.sent += [(statement, row) for row in rows]

    def commit(self):
        self.sent.append(("COMMIT", ()))

    def fetchall(self):
        return [(0,)] if "SELECT number" in self.sent[-1][0] else [("d", "h", "text", 0, 4)]


def test_every_statement_has_as_many_places_as_values():
    connection = Recorder()
    retriever = fill(
        PgvectorStore(connection), [Chunk("d", "h", "text", 0, 4)], lambda texts: [[1.0, 0.0]] * len(texts)
    )
    found = retriever.search("it's a 'question' | & !", 3)
    assert [passage.chunk for passage in found] == [Chunk("d", "h", "text", 0, 4)]
    assert all(statement.count("%s") == len(values) for statement, values in connection.sent)
    assert "vector(2)" in connection.sent[2][0]


def test_words_cannot_leave_their_quotes():
    connection = Recorder()
    PgvectorStore(connection).by_words("don't | (drop) & 'table'", 5)
    assert connection.sent[0][1] == ("'don' | 't' | 'drop' | 'table'", 5)


def test_without_vectors_no_extension_is_needed():
    connection = Recorder()
    PgvectorStore(connection).add([Chunk("d", "", "text", 0, 4)])
    assert not any("vector(" in statement and "tsvector" not in statement for statement, _ in connection.sent)
    assert not any("EXTENSION" in statement for statement, _ in connection.sent)


def test_vectors_are_written_as_pgvector_reads_them():
    connection = Recorder()
    PgvectorStore(connection).by_vector(np.array([0.5, -1.0], dtype=np.float32), 2)
    assert connection.sent[0][1] == ("[0.5,-1]", 2)


def test_a_table_is_a_plain_name():
    with pytest.raises(StorageError, match="no plain name"):
        PgvectorStore(Recorder(), table="x; DROP TABLE y")


def test_without_the_driver_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(StorageError, match="psycopg is not installed"):
        connect_pgvector("postgresql://localhost/x")
