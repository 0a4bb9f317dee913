"""The processes of a trial of faults: a server, workers, their runs; started, killed, found again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier.jobs import Worker, WorkerPlan
from luthier.recipe import Base
from luthier.store import open_store

BASES = {"starter": Base("starter", "starter")}
# A run that nobody lets get any further is killed more often here than anywhere else.
MAX_CRASHES = 20
PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Trial:
    """``command`` None runs real trainings. ``restart``: what restarts the database, ``restarts`` times; ``fills``: how
    often the disk is filled to the brim, where ``house`` is a small disk of its own.
    """

    data: Path
    jobs: int
    workers: int
    kills: int
    seconds_between: float
    database_url: str | None = None
    lease_seconds: float = 10.0
    command: tuple[str, ...] | None = None
    restart: Callable[[], Any] | None = None
    restarts: int = 0
    fills: int = 0
    seed: int = 0

    @property
    def house(self) -> Path:
        """What the server is told is its data folder."""
        return self.data / "house"

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.house / 'luthier.db'}"


@dataclass
class House:
    """One server, which trains too where trainings are real, and the other workers. Whatever ends is started again, as
    systemd would do it.
    """

    trial: Trial
    port: int = 0
    members: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    came_back: int = 0

    def open(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        own = self.trial.workers if self.trial.command else self.trial.workers - 1
        for name in ("server", *(f"worker-{number}" for number in range(own))):
            self._start(name)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def close(self) -> None:
        for member in self.members.values():
            member.terminate()
        for member in self.members.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                member.wait(60)

    def look_after(self) -> None:
        for name, member in self.members.items():
            if member.poll() is not None:
                self.came_back += 1
                self._start(name)

    def kill(self, kind: str, chance: random.Random) -> bool:
        """One member or run of this ``kind``; False where there was none to kill."""
        if kind in ("run", "saving run"):
            pids = self._saving_pids() if kind == "saving run" else self.run_pids()
            return bool(pids) and _kill(chance.choice(pids))
        if kind == "receiving server" and not _wait_until(lambda: any((self.trial.house / "blobs/incoming").glob("*"))):
            return False
        names = [name for name in self.members if name.startswith("worker" if kind == "worker" else "server")]
        name = chance.choice(names)
        self.members[name].kill()
        self.members[name].wait()
        self._start(name)
        return True

    def run_pids(self) -> list[int]:
        return [pid for folder in (self.trial.house / "runs").glob("ftjob-*") if (pid := _pid_of(folder))]

    def torn_checkpoints(self) -> Iterator[Path]:
        """Saved states under their final names that are not what their manifest says."""
        for manifest in (self.trial.house / "runs").glob("*/checkpoints/step-*/manifest.json"):
            with contextlib.suppress(FileNotFoundError):  # one that is removed meanwhile, as a whole
                if not _is_whole(manifest):
                    yield manifest.parent

    def left_over(self) -> list[str]:
        """Command lines of living processes that name the trial's folder."""
        left = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if str(self.trial.data) in line and int(entry.name) not in (os.getpid(), os.getppid()):
                    left.append(line[:200])
        return left

    def _saving_pids(self) -> list[int]:
        runs, found = self.trial.house / "runs", []

        def is_saving() -> bool:
            found.extend(_pid_of(part.parent.parent) for part in runs.glob("*/checkpoints/.step-*"))
            return any(found)

        _wait_until(is_saving)
        return [pid for pid in found if pid]

    def _start(self, name: str) -> None:
        trial = self.trial
        if name == "server":
            trains = "false" if trial.command else "true"
            told = ("serve", "--port", str(self.port), *_settings(trial))
            command = (*told, "--set", "access=open", "--set", "engine.kind=none", "--set", f"worker.embedded={trains}")
            program = ("-m", "luthier", *command)
        elif trial.command is None:
            program = ("-m", "luthier", "worker", *_settings(trial))
        else:
            known = {"url": trial.database, "data": str(trial.house), "command": trial.command}
            program = ("-P", __file__, json.dumps(known | {"lease": trial.lease_seconds}))
        with (trial.data / f"{name.partition('-')[0]}.log").open("ab") as log:
            self.members[name] = subprocess.Popen([sys.executable, *program], stdout=log, stderr=log)


def _settings(trial: Trial) -> tuple[str, ...]:
    told = {
        "database_url": trial.database,
        "worker.lease_seconds": trial.lease_seconds,
        "worker.poll_seconds": 0.2,
        "worker.max_crashes": MAX_CRASHES,
        "worker.overrides": "[training.checkpoint_every_steps=2]",
    }
    changes = [part for name, value in told.items() for part in ("--set", f"{name}={value}")]
    return ("--data", str(trial.house), *changes)


def _pid_of(run: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        pid = json.loads((run / "process.json").read_text())["pid"]
        return pid if str(run).encode() in Path(f"/proc/{pid}/cmdline").read_bytes() else None
    return None


def _is_whole(manifest: Path) -> bool:
    known = json.loads(manifest.read_text())["sha256"]
    return all(hashlib.sha256((manifest.parent / name).read_bytes()).hexdigest() == sha for name, sha in known.items())


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _wait_until(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if holds():
            return True
    return False


def _work(told: dict[str, Any]) -> None:
    """A worker whose runs are not trainings, for the tests."""
    data = Path(told["data"])
    store = open_store(told["url"], str(data / "blobs"))
    plan = WorkerPlan(
        store,
        BASES,
        data / "runs",
        lease_seconds=told["lease"],
        poll_seconds=0.1,
        max_crashes=1000,
        command=tuple(told["command"]),
    )
    worker = Worker(plan)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()


if __name__ == "__main__":
    _work(json.loads(sys.argv[1]))
