"""`luthier serve` from outside: seconds until it is ready, processor time while nothing is asked, and how long lists of
files and jobs take the official client, with and without a training beside them.

    python -m benchmarks.server --rounds 5 --idle-seconds 60 --calls 300
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai

from benchmarks.fault_clients import rows
from benchmarks.machine import describe_machine, usable_cores

NO_MODEL = ("--set", "models.starter=false")
LONGEST_START_SECONDS = 120.0
FILES, JOBS = 60, 40
# Long enough to outlast the calls.
EPOCHS, COPIES = 50, 60


@dataclass(frozen=True)
class Started:
    """``open_seconds``: until it listens; ``ready_seconds``: until it would answer."""

    process: subprocess.Popen[bytes]
    url: str
    open_seconds: float
    ready_seconds: float

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def serving(*settings: str) -> Iterator[Started]:
    """Over a data folder of its own, gone afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        command = ("-m", "luthier", "serve", "--data", folder, "--port", str(port), "--set", "access=open", *settings)
        with (Path(folder) / "log").open("wb") as log:
            began = time.monotonic()
            process = subprocess.Popen([sys.executable, *command], stdout=log, stderr=log)
        try:
            opened = _seconds_until(f"{url}/healthz", began)
            yield Started(process, url, opened, _seconds_until(f"{url}/readyz", began))
        finally:
            process.terminate()
            process.wait(60)


def _seconds_until(address: str, began: float) -> float:
    while time.monotonic() - began < LONGEST_START_SECONDS:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(address).status_code == 200:
                return time.monotonic() - began
        time.sleep(0.02)
    raise SystemExit(f"{address} does not answer")


def measure_starts(rounds: int, *settings: str) -> dict[str, Any]:
    opened, ready = [], []
    for _ in range(rounds):
        with serving(*settings) as server:
            opened.append(round(server.open_seconds, 2))
            ready.append(round(server.ready_seconds, 2))
    middle = {"open_seconds": statistics.median(opened), "ready_seconds": statistics.median(ready)}
    return middle | {"opened": opened, "ready": ready}


def measure_idle(seconds: float) -> dict[str, float]:
    with serving() as server:
        time.sleep(5)
        before = server.cpu_seconds()
        time.sleep(seconds)
        used = server.cpu_seconds() - before
    return {"seconds": seconds, "cpu_seconds": round(used, 2), "percent_of_a_core": round(100 * used / seconds, 2)}


def measure_calls(calls: int) -> dict[str, Any]:
    with serving() as server:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=60)
        content = b"\n".join([rows()] * COPIES)
        made = [client.files.create(file=("a.jsonl", content), purpose="fine-tune").id for _ in range(FILES)]
        file = made[0]
        for _ in range(JOBS):
            client.fine_tuning.jobs.cancel(_ask(client, file, 1))
        figures = {"alone": _timed(client, calls)}
        job = _ask(client, file, EPOCHS)
        while not any(event.type == "metrics" for event in client.fine_tuning.jobs.list_events(job).data):
            time.sleep(0.5)
        figures["during_training"] = _timed(client, calls)
        if (status := client.fine_tuning.jobs.retrieve(job).status) != "running":
            raise SystemExit(f"the job should still be running, and is {status}")
        client.fine_tuning.jobs.cancel(job)
    return figures


def _ask(client: openai.OpenAI, file: str, epochs: int) -> str:
    numbers: Any = {"n_epochs": epochs, "batch_size": 8}
    job = client.fine_tuning.jobs.create(model="starter", training_file=file, hyperparameters=numbers, seed=1)
    return job.id


def _timed(client: openai.OpenAI, calls: int) -> dict[str, Any]:
    lists: dict[str, Callable[[], Any]] = {
        "files": lambda: client.files.list(limit=50).data,
        "jobs": lambda: client.fine_tuning.jobs.list(limit=50).data,
    }
    took: dict[str, list[float]] = {name: [] for name in lists}
    for _ in range(calls):
        for name, call in lists.items():
            began = time.perf_counter()
            assert call()
            took[name].append(1000 * (time.perf_counter() - began))
    return {name: _quantiles(found) for name, found in took.items()}


def _quantiles(milliseconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(milliseconds, n=100)
    figures = {"p50_ms": cuts[49], "p99_ms": cuts[98], "highest_ms": max(milliseconds)}
    return {"calls": len(milliseconds), **{name: round(value, 1) for name, value in figures.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--idle-seconds", type=float, default=60.0)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--keep", type=Path, help="write the figures to this file as well")
    given = parser.parse_args()
    figures = {
        "start_without_a_model": measure_starts(given.rounds, *NO_MODEL),
        "start_with_the_starter": measure_starts(given.rounds),
        "idle": measure_idle(given.idle_seconds),
        "lists": measure_calls(given.calls),
        "machine": describe_machine(usable_cores()),
    }
    print(json.dumps(figures, indent=2))
    if given.keep:
        given.keep.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
