"""A run dies with whoever started it, and what was left running is found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from luthier.jobs.workers.run_process import PROCESS_FILE, start_run
from some_jobs import FAKE_RUN

STARTER = """
import sys, time
from pathlib import Path
from luthier.jobs.workers.run_process import start_run
run = start_run(Path(sys.argv[1]), sys.argv[2:])
print(run.process.pid, flush=True)
time.sleep(60)
"""
ABORTER = """
import os, pathlib, sys
(pathlib.Path(sys.argv[1]) / "result.json").write_text('{"outcome": "succeeded"}')
os.abort()
"""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int) -> None:
    until = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < until, f"{pid} lives on"
        time.sleep(0.02)


def test_a_run_dies_with_its_killed_supervisor(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("FAKE_RUN", json.dumps({"steps": 10_000}))
    supervisor = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path), *FAKE_RUN], stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    pid = int(supervisor.stdout.readline())
    while not (tmp_path / "events.jsonl").exists():
        time.sleep(0.02)
    supervisor.send_signal(signal.SIGKILL)
    supervisor.communicate()
    wait_until_gone(pid)


def test_what_an_earlier_worker_left_running_is_ended_before_a_new_start(tmp_path: Path):
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    born = Path(f"/proc/{orphan.pid}/stat").read_text().rpartition(")")[2].split()[19]
    known = {"pid": orphan.pid, "born": born, "host": os.uname().nodename}
    (tmp_path / PROCESS_FILE).write_text(json.dumps(known))
    run = start_run(tmp_path, [sys.executable, "-c", "pass"])
    assert orphan.wait(5) == -signal.SIGKILL
    run.kill()


def test_a_number_that_is_another_process_by_now_is_left_alone(tmp_path: Path):
    known = {"pid": os.getpid(), "born": "1", "host": os.uname().nodename}
    (tmp_path / PROCESS_FILE).write_text(json.dumps(known))
    start_run(tmp_path, [sys.executable, "-c", "pass"]).kill()


def test_the_result_is_what_the_run_wrote_and_not_its_exit_code(tmp_path: Path):
    run = start_run(tmp_path, [sys.executable, "-c", ABORTER])
    run.process.wait()
    assert run.result() == {"outcome": "succeeded"} and not run.is_alive
    run.kill()
    silent = start_run(tmp_path, [sys.executable, "-c", "pass"])
    silent.process.wait()
    assert silent.result() is None
    silent.kill()


def test_a_run_that_cannot_be_written_down_is_ended_at_once(tmp_path: Path):
    (tmp_path / PROCESS_FILE).mkdir()
    with pytest.raises(IsADirectoryError):
        start_run(tmp_path, [sys.executable, "-c", "import time; time.sleep(60)", str(tmp_path)])
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if is_running(int(path.parent.name))]
    assert not any(str(tmp_path).encode() in line for line in lines)
