"""Faults, nothing lost: jobs asked of a server over the network, several workers, random kill -9 over server, workers
and runs, a database that restarts, a disk that is full; and then a reckoning.

    python -m benchmarks.faults --disk-megabytes 1500
    python -m benchmarks.faults --database-url postgresql://… --restart "pg_ctl -D DATA -m immediate restart"

Every job must be there once and end `succeeded` once, with every step once in its metrics, no process left over, and
with the same numbers and weights as a run that nobody disturbed; every file that was answered for must be whole.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.fault_clients import Clients
from benchmarks.fault_house import House, Trial
from benchmarks.fault_reckoning import all_jobs, wrong_with_files, wrong_with_jobs
from benchmarks.machine import describe_machine, usable_cores
from luthier.errors import StorageError
from luthier.store import Job, Store, open_store

# Of ten kills, so many of each kind.
VICTIMS = ("run", "worker", "server", "run", "worker", "saving run", "receiving server", "worker", "run", "server")
HEAD_START = 0.1
FULL_SECONDS = 6.0
LONGEST_SECONDS = 5400.0


@dataclass
class Reckoning:
    """``wrong`` is empty when nothing was lost. ``cut_uploads``: files whose sender got no answer."""

    killed: Counter[str] = field(default_factory=Counter)
    restarts: int = 0
    fills: int = 0
    seconds: float = 0.0
    attempts: int = 0
    came_back: int = 0
    sent_files: int = 0
    cut_uploads: int = 0
    wrong: list[str] = field(default_factory=list)


def disturb(trial: Trial) -> Reckoning:
    """Ask for the jobs, kill at random, wait for the end, and look at what came of it."""
    trial.house.mkdir(exist_ok=True)
    found, house = Reckoning(), House(trial)
    house.open()
    clients = Clients(house.url, trial.jobs, trial.seconds_between)
    try:
        file = clients.put_rows()
        store = open_store(trial.database, str(trial.house / "blobs"))
        undisturbed = clients.ask(file, -1)
        while not all(job.is_over for job in _jobs(store)):
            time.sleep(0.1)
        began = time.monotonic()
        clients.begin(file)
        _kill_and_restart(trial, store, house, clients, found)
        found.seconds = round(time.monotonic() - began, 1)
    finally:
        clients.end()
        house.close()
    found.came_back, found.sent_files, found.cut_uploads = house.came_back, clients.sent, clients.cut
    found.attempts = sum(job.attempt for job in all_jobs(store))
    (first,) = [job for job in all_jobs(store) if job.id == undisturbed]
    found.wrong += clients.wrong
    found.wrong += wrong_with_jobs(store, first, trial.jobs)
    found.wrong += wrong_with_files(store, clients.kept)
    found.wrong += [f"a process is left over: {line}" for line in house.left_over()]
    store.close()
    return found


def _kill_and_restart(trial: Trial, store: Store, house: House, clients: Clients, found: Reckoning) -> None:
    chance = random.Random(trial.seed)
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(trial.kills)]
    chance.shuffle(victims)
    restart_at, fill_at = _moments(trial.kills, trial.restarts), _moments(trial.kills, trial.fills)
    until = time.monotonic() + LONGEST_SECONDS
    while not clients.has_asked_all or not all(job.is_over for job in _jobs(store)):
        if time.monotonic() > until:
            found.wrong.append("it took too long")
            return
        time.sleep(chance.uniform(0.5, 1.5) * trial.seconds_between)
        house.look_after()
        done = trial.kills - len(victims)
        if trial.restart is not None and done in restart_at:
            restart_at.discard(done)
            trial.restart()
            found.restarts += 1
        over = sum(job.is_over for job in _jobs(store))
        if done > trial.kills * (over / trial.jobs + HEAD_START):
            # Kills are spread over all the jobs, or the first ones would never get anywhere.
            continue
        with _full_disk(trial) if done in fill_at else contextlib.nullcontext():
            found.fills += done in fill_at
            fill_at.discard(done)
            if victims and house.kill(victims[-1], chance):
                found.killed[victims.pop()] += 1
            elif victims:
                # Nobody of this kind is at work just now; another one first.
                victims.insert(0, victims.pop())
        found.wrong += [f"a torn checkpoint: {path}" for path in house.torn_checkpoints()]


@contextlib.contextmanager
def _full_disk(trial: Trial) -> Iterator[None]:
    ballast = trial.house / "ballast"
    until = time.monotonic() + FULL_SECONDS
    with ballast.open("wb", buffering=0) as file:
        _fill(file, until - FULL_SECONDS / 2)
        yield
        _fill(file, until)
    ballast.unlink()


def _fill(file: Any, until: float) -> None:
    """To the last byte, and again whenever somebody else has freed some."""
    while time.monotonic() < until:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass
        time.sleep(0.05)


def _moments(kills: int, times: int) -> set[int]:
    return {round((number + 1) * kills / (times + 1)) for number in range(times)}


def _jobs(store: Store) -> list[Job]:
    """Raises nothing while the database is away; a job that cannot be seen is not over."""
    while True:
        try:
            return list(all_jobs(store))
        except StorageError:
            time.sleep(0.5)


@contextlib.contextmanager
def _small_disk(folder: Path, megabytes: int | None) -> Iterator[None]:
    if megabytes is None:
        yield
        return
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=30)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seconds-between", type=float, default=6.0)
    parser.add_argument("--database-url", help="a PostgreSQL database; without it SQLite")
    parser.add_argument("--restart", help="command that restarts the database")
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--disk-megabytes", type=int, help="a small disk to be filled twice; needs the right to mount")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="write the figures to this file as well")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _small_disk(Path(folder) / "house", given.disk_megabytes):
        restart = (lambda: subprocess.run(shlex.split(given.restart), check=True)) if given.restart else None
        trial = Trial(
            data=Path(folder),
            jobs=given.jobs,
            workers=given.workers,
            kills=given.kills,
            seconds_between=given.seconds_between,
            database_url=given.database_url,
            restart=restart,
            restarts=given.restarts if restart else 0,
            fills=2 if given.disk_megabytes else 0,
            seed=given.seed,
        )
        found = disturb(trial)
        if found.wrong:
            subprocess.run(["cp", "-r", folder, f"{folder}-kept"], check=True)
    asked = {"database": "PostgreSQL" if given.database_url else "SQLite", "jobs": given.jobs, "workers": given.workers}
    figures = {**asked, **vars(found), "machine": describe_machine(usable_cores())}
    print(json.dumps(figures, indent=2))
    if given.keep:
        given.keep.write_text(json.dumps(figures, indent=2) + "\n")
    sys.exit(1 if found.wrong else 0)


if __name__ == "__main__":
    main()
