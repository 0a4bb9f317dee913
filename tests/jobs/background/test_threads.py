"""The threads that look for work: they begin when the models are there, survive mistakes, and end when told."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from luthier.errors import StorageError
from luthier.jobs.background import threads as module
from luthier.jobs.background.asking import Answered
from luthier.jobs.background.threads import Background
from luthier.jobs.webhooks.delivery import Sender
from luthier.store import open_store


def ask(_project, _path, _body) -> Answered:
    return Answered(200, {})


@pytest.fixture
def store(tmp_path: Path):
    opened = open_store(f"sqlite:///{tmp_path / 'a.db'}", str(tmp_path / "blobs"))
    yield opened
    opened.close()


def test_nothing_is_taken_on_before_the_models_are_there(store, monkeypatch):
    taken, is_ready = threading.Event(), threading.Event()
    monkeypatch.setattr(module, "work_on_a_batch", lambda _station, _ask: taken.set())
    running = Background(store, ask, Sender(), is_ready=is_ready.is_set, poll_seconds=0.01)
    running.start()

    assert not taken.wait(0.1)
    is_ready.set()
    assert taken.wait(2.0)
    running.stop()


def test_a_process_without_models_only_delivers(store, monkeypatch):
    monkeypatch.setattr(module, "work_on_a_batch", lambda _station, _ask: pytest.fail("asked"))
    running = Background(store, None, Sender(), poll_seconds=0.01)
    running.start()
    time.sleep(0.05)

    running.stop()

    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("batches-", "deliveries-"))]


@pytest.mark.parametrize("error", [StorageError("full", expected="room", fix="make some"), KeyError("ours")])
def test_a_mistake_does_not_end_the_thread(store, monkeypatch, error):
    tries: list[int] = []

    def fails(_station, _sender) -> bool:
        tries.append(1)
        raise error

    monkeypatch.setattr(module, "deliver_one", fails)
    monkeypatch.setattr(module, "AFTER_ERROR_SECONDS", 0.01)
    running = Background(store, None, Sender(), poll_seconds=0.01)
    running.start()
    time.sleep(0.1)
    running.stop()

    assert len(tries) > 4


def test_of_idle_threads_one_looks_and_whoever_finds_work_wakes_the_next(store, monkeypatch):
    looking: list[int] = []
    at_once: list[int] = []
    is_there, is_done = threading.Event(), threading.Event()
    workers: set[str] = set()

    def work(station, _ask) -> bool:
        if is_there.is_set():
            station.on_held()
            workers.add(threading.current_thread().name)
            return is_done.wait(5)
        looking.append(1)
        at_once.append(len(looking))
        time.sleep(0.005)
        looking.pop()
        return False

    monkeypatch.setattr(module, "work_on_a_batch", work)
    running = Background(store, ask, Sender(), poll_seconds=0.01)
    running.start()
    while len(at_once) < 8:
        time.sleep(0.01)
    is_there.set()
    while len(workers) < module.BATCHES_AT_ONCE:
        time.sleep(0.01)
    is_done.set()
    running.stop()

    assert set(at_once) == {1}
