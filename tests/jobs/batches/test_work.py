"""Batches survive whatever happens to those who work on them: every line once, on either database."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from luthier.jobs.background.asking import Answered, Dropped
from luthier.jobs.background.station import Station
from luthier.jobs.batches.work import work_on_a_batch
from luthier.store import DEFAULT_PROJECT, Batch, Store, StoredFile, WebhookEndpoint, batches, files, new_id, webhooks
from luthier.store.webhooks import DELIVERIES

CHAT = "/v1/chat/completions"


@dataclass
class Answers:
    """Says `fine` to everything; ``before`` may do what it likes first."""

    before: object = None
    asked: Counter = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, project_id, path, body) -> Answered:
        with self.lock:
            self.asked[body["input"]] += 1
        if callable(self.before):
            given = self.before(self, body)
            if given is not None:
                return given
        return Answered(200, {"text": "fine", "usage": {"prompt_tokens": 1, "completion_tokens": 1}}, "req_1")


class Killed(BaseException):
    """As if the process had ended here."""


def a_batch(store: Store, count: int, **more) -> Batch:
    rows = (
        json.dumps({"custom_id": f"row-{n}", "method": "POST", "url": CHAT, "body": {"input": f"row-{n}"}}) + "\n"
        for n in range(count)
    )
    id, now = new_id("file-"), int(time.time())
    written = store.blobs.put(files.blob_key(id), (row.encode() for row in rows))
    file = StoredFile(id, DEFAULT_PROJECT, "in.jsonl", "batch", written.bytes, written.sha256, written.key, now)
    given = {"expires_at": now + 86400, **more}
    batch = Batch(new_id("batch_"), DEFAULT_PROJECT, now, CHAT, id, "24h", **given)
    every = [f"batch.{status}" for status in ("completed", "failed", "expired", "cancelled")]
    endpoint = WebhookEndpoint(
        new_id("we_"), DEFAULT_PROJECT, now, now, "n", "https://example.com", every, [{"secret": "s", "until": None}]
    )
    with store.database.writing() as connection:
        files.create(connection, file)
        batches.create(connection, batch)
        webhooks.create(connection, endpoint)
    return batch


def read(store: Store, batch: Batch) -> Batch:
    with store.database.reading() as connection:
        found = batches.find(connection, DEFAULT_PROJECT, batch.id)
    assert found is not None
    return found


def rows_of(store: Store, file_id: str | None) -> list[dict]:
    if file_id is None:
        return []
    with store.database.reading() as connection:
        file = files.find(connection, DEFAULT_PROJECT, file_id)
    assert file is not None
    return [json.loads(line) for line in store.blobs.content(file.blob).splitlines()]


def events(store: Store) -> list[str]:
    with store.database.reading() as connection:
        return [delivery.event_type for delivery in DELIVERIES.all(connection, DEFAULT_PROJECT)]


def station(store: Store, name: str = "one", **more) -> Station:
    return Station(store, name, **{"lease_seconds": 30.0, "at_once": 4, **more})


def test_a_batch_goes_from_validating_to_completed_and_is_announced_once(store):
    batch, answers = a_batch(store, 10), Answers()

    assert work_on_a_batch(station(store), answers)
    assert not work_on_a_batch(station(store), answers)

    done = read(store, batch)
    assert done.status == "completed" and done.owner is None
    assert {row["custom_id"] for row in rows_of(store, done.output_file_id)} == {f"row-{n}" for n in range(10)}
    assert set(answers.asked.values()) == {1} and events(store) == ["batch.completed"]


def test_after_a_crash_another_worker_goes_on_where_it_was(store):
    batch = a_batch(store, 40)

    def dies(answers, _body):
        if sum(answers.asked.values()) > 20:
            raise Killed
        time.sleep(0.001)

    first = Answers(dies)
    with pytest.raises(Killed):
        _without_farewell(station(store, "one", lease_seconds=0.2), first)
    written = read(store, batch).request_counts["completed"]
    assert 0 < written < 40 and read(store, batch).owner == "one"
    second = Answers()
    time.sleep(0.25)

    assert work_on_a_batch(station(store, "two"), second)

    done = read(store, batch)
    rows = rows_of(store, done.output_file_id)
    assert done.status == "completed" and done.request_counts == {"total": 40, "completed": 40, "failed": 0}
    assert sorted(row["custom_id"] for row in rows) == sorted(f"row-{n}" for n in range(40))
    assert sum(second.asked.values()) == 40 - written and done.usage["total_tokens"] == 80


def _without_farewell(station: Station, answers: Answers) -> None:
    """A killed process gives no lease back."""
    from luthier.jobs.batches import work as batch_work

    held = batch_work.hold_one(station, batch_work.BATCHES, batch_work.BATCHES.table.c.status == "validating")
    batch_work._go_on(held, answers)


def test_a_worker_that_lost_its_lease_writes_nothing_more(store):
    batch = a_batch(store, 6)
    other = Answers()

    def sleeps_too_long(answers, body):
        if body["input"] == "row-0" and not other.asked:
            time.sleep(0.3)
            # The lease has run out, and another worker does it all.
            assert work_on_a_batch(station(store, "two"), other)

    work_on_a_batch(station(store, "one", lease_seconds=0.2, at_once=1), Answers(sleeps_too_long))

    done = read(store, batch)
    assert done.status == "completed" and len(rows_of(store, done.output_file_id)) == 6
    assert events(store) == ["batch.completed"] and sum(other.asked.values()) == 6


def test_several_workers_do_each_batch_once(store):
    made = [a_batch(store, 5) for _ in range(6)]
    answers = Answers()

    def work(name: str) -> None:
        while work_on_a_batch(station(store, name, at_once=2), answers):
            pass

    threads = [threading.Thread(target=work, args=(f"worker {n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(answers.asked.values()) == 30
    assert all(read(store, batch).status == "completed" for batch in made)


def test_what_did_not_run_in_time_is_told_as_expired(store):
    batch = a_batch(store, 50, expires_at=int(time.time()) + 1)

    work_on_a_batch(station(store, at_once=1), Answers(lambda _answers, _body: time.sleep(0.1)))

    done = read(store, batch)
    output, errors = rows_of(store, done.output_file_id), rows_of(store, done.error_file_id)
    assert done.status == "expired" and done.expired_at and events(store) == ["batch.expired"]
    assert output and len(output) + len(errors) == 50
    assert {row["error"]["code"] for row in errors} == {"batch_expired"}
    assert all(row["response"] is None for row in errors)
    assert done.request_counts == {"total": 50, "completed": len(output), "failed": len(errors)}


def test_a_stopping_worker_gives_the_batch_back_at_once(store):
    batch, stopping = a_batch(store, 50), threading.Event()

    def stops(answers, _body):
        if sum(answers.asked.values()) > 10:
            stopping.set()
            raise Dropped

    work_on_a_batch(station(store, "one", stopping=stopping, at_once=2), Answers(stops))

    left = read(store, batch)
    assert left.status == "in_progress" and left.owner is None and left.lease_until is None
    second = Answers()
    work_on_a_batch(station(store, "two"), second)
    done = read(store, batch)
    assert done.status == "completed" and len(rows_of(store, done.output_file_id)) == 50
    assert sum(second.asked.values()) == 50 - left.request_counts["completed"]


def test_a_busy_engine_is_waited_for(store):
    batch = a_batch(store, 3)

    def busy(answers, body):
        if answers.asked[body["input"]] < 3:
            return Answered(429, {"error": {"message": "busy"}}, "req", 0.01)
        return None

    work_on_a_batch(station(store), Answers(busy))

    assert read(store, batch).request_counts == {"total": 3, "completed": 3, "failed": 0}


def test_a_crash_while_the_files_are_written_leaves_one_whole_file(store, monkeypatch):
    batch = a_batch(store, 5)
    from luthier.jobs.batches import files as batch_files
    from luthier.jobs.batches import work as batch_work

    def dies(*_args):
        raise Killed

    monkeypatch.setattr(batch_files.webhooks, "announce", dies)
    with pytest.raises(Killed):
        _without_farewell(station(store, "one", lease_seconds=0.1), Answers())
    assert read(store, batch).status == "finalizing" and read(store, batch).output_file_id is None
    monkeypatch.undo()
    time.sleep(0.15)

    batch_work.work_on_a_batch(station(store, "two"), Answers())

    done = read(store, batch)
    assert done.status == "completed" and len(rows_of(store, done.output_file_id)) == 5
    assert store.blobs.keys(f"batches/{batch.id}") == [f"batches/{batch.id}/2-output.jsonl"]


def test_a_batch_whose_file_is_gone_fails(store):
    batch = a_batch(store, 5)
    store.blobs.remove(files.blob_key(batch.input_file_id))

    work_on_a_batch(station(store), Answers())

    done = read(store, batch)
    assert done.status == "failed" and done.errors["data"][0]["code"] == "file_missing"
    assert events(store) == ["batch.failed"]


def test_the_file_of_a_running_batch_outlives_its_deletion(store):
    from luthier.jobs.workers import reaper

    batch = a_batch(store, 5)
    with store.database.writing() as connection:
        files.delete(connection, DEFAULT_PROJECT, batch.input_file_id)
    reaper.sweep(store)

    work_on_a_batch(station(store), Answers())
    reaper.sweep(store)

    assert read(store, batch).status == "completed"
    assert not store.blobs.exists(files.blob_key(batch.input_file_id))


def test_a_mistake_of_ours_is_not_tried_for_ever(store, monkeypatch):
    batch = a_batch(store, 1)

    def broken(*_args):
        raise KeyError("ours")

    monkeypatch.setattr("luthier.jobs.batches.work.abreast", broken)
    for _ in range(4):
        with pytest.raises(KeyError):
            work_on_a_batch(station(store), Answers())
    work_on_a_batch(station(store), Answers())

    assert read(store, batch).errors["data"][0]["code"] == "server_error"
