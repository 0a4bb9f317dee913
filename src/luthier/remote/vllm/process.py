"""A vLLM server that is started for us and ends with us. It pins its own libraries, so it is never imported."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from luthier.errors import ModelError

START_SECONDS = 900.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.2
PR_SET_PDEATHSIG = 1


class VllmProcess:
    """``log``: where its output goes; the last lines of it say why it did not start."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path):
        self.process = process
        self.log = log

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """It and its children: first politely, then not."""
        for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, None)):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(seconds)
                return
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


def start_vllm(command: Sequence[str], url: str, log: Path, start_seconds: float = START_SECONDS) -> VllmProcess:
    """Start ``command`` and wait until it answers at ``url``. Raises ModelError with its last words where it does not.

    Adapters can only be loaded while it runs if VLLM_ALLOW_RUNTIME_LORA_UPDATING says so; it is set here.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"}
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
    except OSError as error:
        raise ModelError(
            f"engine.command cannot be started: {error}",
            expected="a command such as [vllm, serve, /models/base, --enable-lora]",
            fix="install vLLM in an environment of its own, and name its program by its full path",
        ) from None
    started = VllmProcess(process, log)
    _wait(started, url, start_seconds)
    return started


def is_healthy(url: str, timeout_seconds: float = 1.0) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=timeout_seconds).status_code == 200
    except httpx.HTTPError:
        return False


def _wait(started: VllmProcess, url: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not started.is_running:
            break
        if is_healthy(url):
            return
        time.sleep(POLL_SECONDS)
    started.stop()
    last = started.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-5:]
    raise ModelError(
        f"vLLM did not start within {seconds:.0f} seconds: {' | '.join(last)[-600:] or 'it said nothing'}",
        expected=f"an answer at {url}/health",
        fix=f"read {started.log}; check that engine.url has the port that engine.command opens",
    )


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
