"""One answer per key, whatever dies between doing a thing and saying so."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from luthier.store import DEFAULT_PROJECT, Database, Promise, PromiseLost, Remembered, Store, audit, idempotency
from luthier.store.idempotency import PENDING_SECONDS, REMEMBERED


@pytest.fixture
def database(store: Store) -> Database:
    return store.database


def begin(connection: Connection, is_strict: bool = True) -> Remembered | Promise:
    return idempotency.begin(connection, DEFAULT_PROJECT, "key", "print", is_strict=is_strict)


def promised(database: Database, is_strict: bool = True) -> Promise:
    with database.writing() as connection:
        begun = begin(connection, is_strict)
    assert isinstance(begun, Promise)
    return begun


def remembered(database: Database) -> Remembered:
    with database.writing() as connection:
        begun = begin(connection)
    assert isinstance(begun, Remembered)
    return begun


def let_time_pass(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(REMEMBERED.update().values(created_at=REMEMBERED.c.created_at - PENDING_SECONDS))


def test_a_kept_answer_is_what_the_repeat_gets(database: Database):
    promise = promised(database)
    assert not remembered(database).is_answered
    with database.writing() as connection:
        idempotency.keep(connection, promise, {"id": 1})
    assert remembered(database).body == {"id": 1}


def test_what_is_done_and_that_it_was_answered_are_kept_together_or_not_at_all(database: Database):
    promise = promised(database)
    with pytest.raises(RuntimeError), database.writing() as connection:
        idempotency.keep(connection, promise, {"id": 1})
        raise RuntimeError
    assert not remembered(database).is_answered


def test_an_answer_that_was_kept_after_all_is_not_abandoned(database: Database):
    promise = promised(database)
    with database.writing() as connection:
        idempotency.keep(connection, promise, {"id": 1})
    with database.writing() as connection:
        idempotency.abandon(connection, promise)
    assert remembered(database).is_answered


def test_a_request_so_slow_that_its_repeat_was_begun_does_nothing_more(database: Database):
    slow = promised(database)
    let_time_pass(database)
    slow.created_at -= PENDING_SECONDS
    repeat = promised(database)
    with pytest.raises(PromiseLost), database.writing() as connection:
        audit.note(connection, DEFAULT_PROJECT, "job.create")
        idempotency.keep(connection, slow, {"id": 1})
    with database.writing() as connection:
        idempotency.abandon(connection, slow)
        idempotency.keep(connection, repeat, {"id": 2})
    with database.reading() as connection:
        assert connection.execute(audit.AUDIT.table.select()).all() == []
    assert remembered(database).body == {"id": 2}


def test_two_equal_requests_on_purpose_are_both_answered(database: Database):
    first = promised(database, is_strict=False)
    with database.writing() as connection:
        idempotency.forget(connection, DEFAULT_PROJECT, "key")
    second = promised(database, is_strict=False)
    with database.writing() as connection:
        idempotency.keep(connection, first, {"id": 1})
        idempotency.keep(connection, second, {"id": 2})
    assert first.is_kept and second.is_kept
