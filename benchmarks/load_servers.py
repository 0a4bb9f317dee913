"""Servers for the load test, each a process of its own on cores of its own: ours, and `transformers serve`."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree

from safetensors.torch import load_file, save_file

from benchmarks.engine import save_adapters
from luthier.models import STARTER, open_model_folder
from luthier.store import DEFAULT_PROJECT, TunedModel, models, open_store

HOST = "127.0.0.1"
TICKS = os.sysconf("SC_CLK_TCK")
MODEL = "starter-without-end"


@dataclass
class Server:
    """A running server; ``model_ids`` are what it can be asked, the bare base first."""

    process: subprocess.Popen[bytes]
    port: int
    model_ids: tuple[str, ...]
    memory: list[tuple[float, int]] = field(default_factory=list)

    @property
    def cpu_seconds(self) -> float:
        """Of all its threads, from its start."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def endless_model(folder: Path) -> Path:
    """The starter with a head of its own in which the end of a turn is never the likeliest: every answer is as long
    as was asked, on every server, without a setting that only one of them knows."""
    target = folder / MODEL
    copytree(open_model_folder(STARTER).path, target)
    weights = load_file(target / "model.safetensors")
    head = weights["model.embed_tokens.weight"].clone()
    config = json.loads((target / "config.json").read_text())
    head[[config["eos_token_id"], 0, 1, 2]] = 0
    weights["lm_head.weight"] = head
    save_file(weights, target / "model.safetensors", {"format": "pt"})
    (target / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": False}))
    return target


@contextlib.contextmanager
def luthier_server(
    folder: Path, model: Path, cores: Sequence[int], threads: int, adapters: int, *, overrides: Sequence[str] = ()
) -> Iterator[Server]:
    """``luthier serve`` with ``adapters`` random adapters known under names of tuned models."""
    data = folder / f"luthier-{time.time_ns()}"
    data.mkdir()
    ids = _known_adapters(data, folder / "adapters", adapters)
    settings = {"data_folder": str(data), "access": "open", "models": {"folders": [str(model)]}}
    settings |= {"worker": {"embedded": False}}
    (data / "luthier.yaml").write_text(json.dumps(settings))
    port = _free_port()
    command = [sys.executable, "-m", "luthier", "serve", str(data / "luthier.yaml"), "--port", str(port)]
    changes = [part for each in overrides for part in ("--set", each)]
    with _running([*command, *changes], (cores, threads), port, "/readyz", data / "log") as process:
        yield Server(process, port, (model.name, *ids))


@contextlib.contextmanager
def transformers_server(
    folder: Path, model: Path, cores: Sequence[int], threads: int, options: Sequence[str] = ()
) -> Iterator[Server]:
    """``transformers serve`` of the same Python. It offers no adapters."""
    port = _free_port()
    program = str(Path(sys.executable).parent / "transformers")
    command = [program, "serve", str(model), "--continuous-batching", "--host", HOST, "--port", str(port), *options]
    with _running(
        [sys.executable, *command], (cores, threads), port, "/health", folder / f"peer-{port}.log"
    ) as process:
        yield Server(process, port, (str(model),))


def _known_adapters(data: Path, folder: Path, count: int) -> list[str]:
    if not folder.exists():
        save_adapters(folder, count)
    store = open_store(f"sqlite:///{data / 'luthier.db'}", str(data / "blobs"), "load")
    ids = []
    for number in range(count):
        key = models.folder_key(f"ftjob-{number}")
        store.blobs.put_folder(key, folder / str(number))
        ids.append(f"ft:{MODEL}:load::adapter{number:03d}")
        with store.database.writing() as connection:
            made = TunedModel(ids[-1], DEFAULT_PROJECT, MODEL, f"ftjob-{number}", "adapter", key, "load", 1)
            models.create(connection, made)
    store.close()
    return ids


@contextlib.contextmanager
def _running(
    command: Sequence[str], share: tuple[Sequence[int], int], port: int, ready: str, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    cores, threads = share
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    pinned = ["taskset", "-c", ",".join(map(str, cores)), *command]
    with log.open("wb") as written:
        process = subprocess.Popen(pinned, stdout=written, stderr=written, env=environment)
    try:
        _wait_until_ready(process, f"http://{HOST}:{port}{ready}", log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"the server did not become ready: {log.read_text(errors='replace')[-2000:]}")


@contextlib.contextmanager
def memory_watched(server: Server, every_seconds: float) -> Iterator[None]:
    """Notes what the server holds, in ``server.memory``."""
    ends, began = threading.Event(), time.monotonic()

    def watch() -> None:
        while not ends.wait(every_seconds):
            server.memory.append((time.monotonic() - began, server.resident_bytes))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ends.set()
        watcher.join()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return found.getsockname()[1]
