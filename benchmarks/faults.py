"""Faults, nothing lost: jobs in a queue, several workers, random kill -9 over workers and runs, and then a reckoning.

    python -m benchmarks.faults --jobs 30 --workers 3 --kills 40
    python -m benchmarks.faults --database-url postgresql://… --restart "pg_ctl -D DATA -m immediate restart"

Every job must end `succeeded` exactly once, with every step once in its metrics, no process left over, and with the
same numbers and weights as a run that nobody disturbed.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier.jobs import AskedJob, Worker, WorkerPlan, create_job
from luthier.recipe import Base
from luthier.store import (
    DEFAULT_PROJECT,
    DatabaseUnreachable,
    Job,
    Store,
    StoredFile,
    files,
    job_events,
    jobs,
    models,
    new_id,
    open_store,
)

BASES = {"starter": Base("starter", "starter")}
SEED = 11


@dataclass(frozen=True)
class Trial:
    """``command`` None runs real trainings. ``restart``: what restarts the database, ``restarts`` times."""

    database_url: str
    data: Path
    jobs: int
    workers: int
    kills: int
    seconds_between: float
    lease_seconds: float = 5.0
    command: tuple[str, ...] | None = None
    restart: Callable[[], Any] | None = None
    restarts: int = 0
    seed: int = 0


@dataclass
class Reckoning:
    """``wrong`` is empty when nothing was lost."""

    killed_workers: int = 0
    killed_runs: int = 0
    restarts: int = 0
    seconds: float = 0.0
    attempts: int = 0
    wrong: list[str] = field(default_factory=list)


def disturb(trial: Trial) -> Reckoning:
    """Queue the jobs, kill at random, wait for the end, and look at what came of it."""
    store = open_store(trial.database_url, str(trial.data / "blobs"))
    file = _put_rows(store)
    undisturbed = _finish_one(trial, store, file)
    made = [_ask(store, file) for _ in range(trial.jobs)]
    found, began = Reckoning(), time.monotonic()
    workers = [_start_worker(trial) for _ in range(trial.workers)]
    try:
        _kill_and_restart(trial, store, [job.id for job in made], workers, found)
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.wait(30)
    found.seconds = time.monotonic() - began
    _reckon(trial, store, undisturbed, [job.id for job in made], found)
    store.close()
    return found


def _kill_and_restart(
    trial: Trial, store: Store, ids: Sequence[str], workers: list[subprocess.Popen[bytes]], found: Reckoning
) -> None:
    chance = random.Random(trial.seed)
    restart_at = {round((number + 1) * trial.kills / (trial.restarts + 1)) for number in range(trial.restarts)}
    until = time.monotonic() + 3600
    while _waiting(store, ids) and time.monotonic() < until:
        time.sleep(chance.uniform(0.5, 1.5) * trial.seconds_between)
        done = found.killed_workers + found.killed_runs
        if trial.restart is not None and done in restart_at:
            restart_at.discard(done)
            trial.restart()
            found.restarts += 1
        if done >= trial.kills:
            continue
        runs = _run_pids(trial)
        if runs and chance.random() < 0.6:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(runs), signal.SIGKILL)
                found.killed_runs += 1
        else:
            place = chance.randrange(len(workers))
            workers[place].kill()
            workers[place].wait()
            workers[place] = _start_worker(trial)
            found.killed_workers += 1


def _reckon(trial: Trial, store: Store, undisturbed: Job, ids: Sequence[str], found: Reckoning) -> None:
    expected_steps, expected_weights = _steps_of(store, undisturbed.id), _weights_of(store, undisturbed)
    with store.database.reading() as connection:
        ended = [job for id in ids if (job := jobs.find(connection, DEFAULT_PROJECT, id)) is not None]
    for job in ended:
        found.attempts += job.attempt
        if job.status != "succeeded":
            found.wrong.append(f"{job.id} is {job.status}: {job.error}")
            continue
        if _steps_of(store, job.id) != expected_steps:
            found.wrong.append(f"{job.id}: its steps are not those of the undisturbed run")
        if _weights_of(store, job) != expected_weights:
            found.wrong.append(f"{job.id}: its weights are not those of the undisturbed run")
        with store.database.reading() as connection:
            events = job_events.since(connection, DEFAULT_PROJECT, job.id, 0, limit=100_000)
        if [event.sequence for event in events] != list(range(1, len(events) + 1)):
            found.wrong.append(f"{job.id}: its events are not numbered 1, 2, 3, …")
        ends = [event for event in events if event.message == "The job has successfully completed"]
        if len(ends) != 1:
            found.wrong.append(f"{job.id} ended {len(ends)} times")
    if left := _processes_of(trial):
        found.wrong.append(f"processes are left over: {left}")


def _put_rows(store: Store) -> str:
    words = ["card", "lost", "bill", "late", "app", "slow", "crash", "login", "blue", "red", "phone", "order"]
    chance = random.Random(1)
    rows = []
    for _ in range(24):
        picked = chance.sample(words, 5)
        turns = [{"role": "user", "content": " ".join(picked)}, {"role": "assistant", "content": picked[0]}]
        rows.append(json.dumps({"messages": turns}))
    id = new_id("file-")
    written = store.blobs.put(files.blob_key(id), ["\n".join(rows).encode()])
    file = StoredFile(
        id, DEFAULT_PROJECT, "rows.jsonl", "fine-tune", written.bytes, written.sha256, written.key, int(time.time())
    )
    with store.database.writing() as connection:
        files.create(connection, file)
    return id


def _ask(store: Store, file: str) -> Job:
    numbers = {"n_epochs": 4, "batch_size": 4}
    return create_job(store, DEFAULT_PROJECT, AskedJob("starter", file, hyperparameters=numbers, seed=SEED), BASES)


def _finish_one(trial: Trial, store: Store, file: str) -> Job:
    """The run that nobody disturbs."""
    job = _ask(store, file)
    worker = _start_worker(trial)
    while _waiting(store, [job.id]):
        time.sleep(0.1)
    worker.terminate()
    worker.wait()
    with store.database.reading() as connection:
        ended = jobs.find(connection, DEFAULT_PROJECT, job.id)
    assert ended is not None and ended.status == "succeeded", ended
    return ended


def _waiting(store: Store, ids: Sequence[str]) -> bool:
    try:
        with store.database.reading() as connection:
            found = [jobs.find(connection, DEFAULT_PROJECT, id) for id in ids]
    except DatabaseUnreachable:
        return True
    return any(job is None or not job.is_over for job in found)


def _steps_of(store: Store, id: str) -> list[dict[str, Any]]:
    with store.database.reading() as connection:
        return list(job_events.metrics(connection, DEFAULT_PROJECT, id))


def _weights_of(store: Store, job: Job) -> dict[str, str]:
    with store.database.reading() as connection:
        model = models.find(connection, DEFAULT_PROJECT, str(job.fine_tuned_model))
    assert model is not None
    keys = [key for key in store.blobs.keys(model.folder) if key.endswith((".safetensors", "weights.txt"))]
    return {Path(key).name: hashlib.sha256(store.blobs.content(key)).hexdigest() for key in keys}


def _run_pids(trial: Trial) -> list[int]:
    pids = []
    for file in (trial.data / "runs").glob("*/process.json"):
        with contextlib.suppress(OSError, ValueError):
            pids.append(json.loads(file.read_text())["pid"])
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def _processes_of(trial: Trial) -> list[str]:
    """Command lines of living processes that name the trial's folder."""
    left = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(trial.data) in line and int(entry.name) != os.getpid():
                left.append(line[:200])
    return left


def _start_worker(trial: Trial) -> subprocess.Popen[bytes]:
    told = {"url": trial.database_url, "data": str(trial.data), "command": trial.command, "lease": trial.lease_seconds}
    with (trial.data / "workers.log").open("ab") as log:
        command = [sys.executable, "-P", __file__, "--work", json.dumps(told)]
        return subprocess.Popen(command, stdout=log, stderr=log)


def _work(told: dict[str, Any]) -> None:
    data = Path(told["data"])
    store = open_store(told["url"], str(data / "blobs"))
    command = {"command": tuple(told["command"])} if told["command"] else {}
    plan = WorkerPlan(
        store, BASES, data / "runs", lease_seconds=told["lease"], poll_seconds=0.1, max_crashes=1000, **command
    )
    worker = Worker(plan)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=30)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seconds-between", type=float, default=4.0)
    parser.add_argument("--database-url")
    parser.add_argument("--restart", help="command that restarts the database")
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        _work(json.loads(given.work))
        return
    with tempfile.TemporaryDirectory() as folder:
        restart = (lambda: subprocess.run(shlex.split(given.restart), check=True)) if given.restart else None
        trial = Trial(
            database_url=given.database_url or f"sqlite:///{folder}/luthier.db",
            data=Path(folder),
            jobs=given.jobs,
            workers=given.workers,
            kills=given.kills,
            seconds_between=given.seconds_between,
            restart=restart,
            restarts=given.restarts if restart else 0,
        )
        found = disturb(trial)
    print(json.dumps(vars(found), indent=2))
    sys.exit(1 if found.wrong else 0)


if __name__ == "__main__":
    main()
