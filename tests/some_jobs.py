"""A store with training files in it, jobs on them, and a worker in this process or in one of its own."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from luthier.jobs import AskedJob, Worker, WorkerPlan, create_job
from luthier.recipe import Base
from luthier.store import DEFAULT_PROJECT, Job, Store, StoredFile, files, jobs, new_id, open_store

FAKE_RUN = (sys.executable, str(Path(__file__).parent / "fake_run.py"))
BASES = {"tiny": Base("tiny", "starter")}


def chat_rows(count: int) -> list[dict[str, Any]]:
    return [
        {"messages": [{"role": "user", "content": f"What is {n}?"}, {"role": "assistant", "content": f"It is {n}."}]}
        for n in range(count)
    ]


def put_file(store: Store, rows: list[Any], purpose: str = "fine-tune", project_id: str = DEFAULT_PROJECT) -> str:
    """``rows`` are objects, or lines as they are."""
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    id = new_id("file-")
    written = store.blobs.put(files.blob_key(id), [text.encode()])
    file = StoredFile(id, project_id, "a.jsonl", purpose, written.bytes, written.sha256, written.key, int(time.time()))
    with store.database.writing() as connection:
        files.create(connection, file)
    return id


def ask(store: Store, bases: dict[str, Base] = BASES, **asked: Any) -> Job:
    """A job of 20 rows unless ``asked`` says otherwise."""
    training = asked.pop("training_file", None) or put_file(store, chat_rows(20))
    return create_job(store, DEFAULT_PROJECT, AskedJob(asked.pop("model", "tiny"), training, **asked), bases)


def plan_of(store: Store, runs: Path, **changes: Any) -> WorkerPlan:
    """Impatient, and with the fake run unless told otherwise."""
    quick = {"command": FAKE_RUN, "lease_seconds": 3.0, "poll_seconds": 0.05}
    return WorkerPlan(store, changes.pop("bases", BASES), runs, **(quick | changes))


@contextmanager
def working(plan: WorkerPlan) -> Iterator[Worker]:
    worker = Worker(plan)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join()


def wait_for(store: Store, id: str, holds: Callable[[Job], bool], seconds: float = 60) -> Job:
    until = time.monotonic() + seconds
    while True:
        with store.database.reading() as connection:
            job = jobs.find(connection, DEFAULT_PROJECT, id)
        assert job is not None
        if holds(job):
            return job
        assert time.monotonic() < until, f"still {job}"
        time.sleep(0.05)


def serve_forever(database_url: str, data: Path, **changes: Any) -> None:
    """A worker as the whole of a process, to be killed."""
    store = open_store(database_url, str(data / "blobs"))
    Worker(plan_of(store, data / "runs", **changes)).run()


if __name__ == "__main__":
    serve_forever(sys.argv[1], Path(sys.argv[2]), slots=int(sys.argv[3]))
