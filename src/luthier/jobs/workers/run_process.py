"""One run as a process group: started, watched, stopped; and, after a crash of its worker, found and ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.jobs.workers.child import RESULT_FILE, reserve_result

PROCESS_FILE = "process.json"
LOG_FILE = "log.txt"


@dataclass(frozen=True)
class RunProcess:
    """The kernel's count of processes killed for memory, as it stood at the start, tells how a silent death came."""

    process: subprocess.Popen[bytes]
    folder: Path
    memory_kills: int

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def result(self) -> dict[str, Any] | None:
        """What the run says came of it; None while it is at work, and where it died without a word."""
        try:
            return json.loads((self.folder / RESULT_FILE).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None

    def died_of_memory(self) -> bool:
        """Killed from outside, and the kernel counts one more process killed for memory than before."""
        return self.process.poll() == -signal.SIGKILL and memory_kills() > self.memory_kills

    def ask_to_stop(self) -> None:
        """To save and end after the step at hand."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()

    def kill(self) -> None:
        """The whole group, and wait for it."""
        kill_group(self.process.pid)
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


def start_run(folder: Path, command: Sequence[str]) -> RunProcess:
    """Start the run in ``folder``. The thread that calls this must live as long as the run (see `child.py`)."""
    end_orphan(folder)
    reserve_result(folder)
    kills = memory_kills()
    with (folder / LOG_FILE).open("ab") as log:
        process = subprocess.Popen(
            [*command, str(folder)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    run = RunProcess(process, folder, kills)
    known = {"pid": process.pid, "born": _birth(process.pid), "host": os.uname().nodename}
    try:
        (folder / PROCESS_FILE).write_text(json.dumps(known), encoding="utf-8")
    except OSError:
        run.kill()
        raise
    return run


def end_orphan(folder: Path) -> None:
    """Kill what an earlier worker on this host left running here: a lease that was lost while its run lives on."""
    try:
        known = json.loads((folder / PROCESS_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return
    is_the_same = known["host"] == os.uname().nodename and known["born"] is not None
    if is_the_same and _birth(known["pid"]) == known["born"]:
        kill_group(known["pid"])
        for _ in range(100):
            if _birth(known["pid"]) != known["born"]:
                break
            time.sleep(0.02)


def kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def memory_kills() -> int:
    """How many processes the kernel has killed for memory so far; 0 where it does not say."""
    counted = 0
    for file in (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat")):
        with contextlib.suppress(OSError):
            for line in file.read_text().splitlines():
                name, _, value = line.partition(" ")
                counted += int(value) if name == "oom_kill" else 0
    return counted


def _birth(pid: int) -> str | None:
    """When the process began, in clock ticks, so that a number taken again by another process shows. None: dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]
