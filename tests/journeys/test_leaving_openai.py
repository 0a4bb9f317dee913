"""Leaving OpenAI: two programs written for its platform run unchanged, but for two environment variables."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parents[2] / "examples" / "leaving-openai"
BASE = "gpt-4o-mini-2024-07-18"
LONGEST_SECONDS = 240


def luthier(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "luthier", *words, "--data", str(folder / "data")]


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """`luthier serve` on a free port; ended as an operator would end it, and it must end well."""
    settings = ("--port", "0", "--set", f"models.aliases={{{BASE}: starter}}")
    process = subprocess.Popen(luthier(folder, "serve", *settings), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[2]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def run(program: str, folder: Path, environment: dict[str, str], *words: str) -> str:
    command = [sys.executable, str(PROGRAMS / program), *words]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(PROGRAMS / "train.jsonl", tmp_path)
    return tmp_path


def test_the_two_programs_run_with_nothing_changed_but_the_address(folder):
    keys = luthier(folder, "keys", "create", "--name", "journey")
    key = subprocess.run(keys, capture_output=True, text=True, check=True).stdout.strip()
    begin = time.monotonic()

    with served(folder) as url:
        ready_seconds = time.monotonic() - begin
        environment = {**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": key}
        job = run("start_job.py", folder, environment)
        answer = run("ask_model.py", folder, environment, job)

    assert url.endswith("/v1") and ready_seconds < 15
    assert job.startswith("ftjob-")
    assert answer == "billing"
