"""A lease belongs to one owner; whoever lost it can no longer write."""

from __future__ import annotations

import pytest

from luthier.store import (
    BATCHES,
    DEFAULT_PROJECT,
    Batch,
    Lease,
    LeaseLost,
    Store,
    batches,
    claim_one,
    give_up,
    new_id,
    renew,
    write_as,
)


def add_batch(store: Store) -> Batch:
    with store.database.writing() as connection:
        return batches.create(
            connection, Batch(new_id("batch_"), DEFAULT_PROJECT, 1000, "/v1/chat/completions", "file-1", "24h")
        )


def claim(store: Store, owner: str, seconds: float) -> Lease | None:
    with store.database.writing() as connection:
        ready = BATCHES.table.c.status.in_(batches.WORKABLE)
        found = claim_one(connection, BATCHES, ready, owner, seconds)
    return None if found is None else Lease(found.id, owner, found.attempt)


def test_a_held_row_is_claimed_by_nobody_else(store: Store):
    add_batch(store)
    assert claim(store, "one", 60) is not None
    assert claim(store, "two", 60) is None


def test_a_lease_that_ran_out_goes_to_the_next_and_the_first_is_fenced_off(store: Store):
    batch = add_batch(store)
    first, second = claim(store, "one", -1), claim(store, "two", 60)
    assert first is not None and second == Lease(batch.id, "two", 2)
    with pytest.raises(LeaseLost), store.database.writing() as connection:
        write_as(connection, BATCHES, first, model="stale")
    with store.database.writing() as connection:
        assert renew(connection, BATCHES, second, 60).model is None


def test_even_the_same_owner_is_fenced_off_from_its_earlier_attempt(store: Store):
    add_batch(store)
    first, second = claim(store, "one", -1), claim(store, "one", 60)
    assert first is not None and second is not None
    with pytest.raises(LeaseLost), store.database.writing() as connection:
        renew(connection, BATCHES, first, 60)


def test_what_is_given_up_is_free_at_once(store: Store):
    add_batch(store)
    lease = claim(store, "one", 60)
    assert lease is not None
    with store.database.writing() as connection:
        give_up(connection, BATCHES, lease, status="in_progress")
    assert claim(store, "two", 60) is not None
