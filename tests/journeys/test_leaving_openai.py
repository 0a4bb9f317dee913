"""Leaving OpenAI: programs written for its platform run unchanged, but for two environment variables.

Python's newest client trains and asks; the last 1.x and Node do the same on the same server, where the job they start
is ended again and the model that is there already is asked, so that one training is enough.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest

from openai_clients.install import OldClients, installed

PROGRAMS = Path(__file__).parents[2] / "examples" / "leaving-openai"
BASE = "gpt-4o-mini-2024-07-18"
LONGEST_SECONDS = 240


@dataclass(frozen=True)
class Served:
    folder: Path
    url: str
    key: str

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "OPENAI_BASE_URL": self.url, "OPENAI_API_KEY": self.key}

    @property
    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.url, api_key=self.key)

    def run(self, command: list[str], environment: dict[str, str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


def luthier(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "luthier", *words, "--data", str(folder / "data")]


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
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


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("leaving")
    shutil.copytree(PROGRAMS, folder, dirs_exist_ok=True)
    keys = luthier(folder, "keys", "create", "--name", "journey")
    key = subprocess.run(keys, capture_output=True, text=True, check=True).stdout.strip()
    with serving(folder) as url:
        yield Served(folder, url, key)


@pytest.fixture(scope="module")
def job(served: Served) -> str:
    return served.run([sys.executable, "start_job.py"], served.environment)


@pytest.fixture(scope="module")
def old(served: Served) -> OldClients:
    clients = installed()
    (served.folder / "node_modules").symlink_to(clients.modules)
    return clients


def test_the_two_programs_run_with_nothing_changed_but_the_address(served: Served, job: str):
    answer = served.run([sys.executable, "ask_model.py", job], served.environment)

    assert served.url.endswith("/v1") and job.startswith("ftjob-")
    assert answer


def test_the_model_of_the_job_answers_as_its_rows_do(served: Served, job: str):
    """Not each of them: a job without a seed gets one at random. The programs ask at temperature 1, where anything may
    be drawn now and then."""
    rows = [json.loads(line)["messages"] for line in (served.folder / "train.jsonl").read_text().splitlines()]
    truth = [row[-1]["content"] for row in rows]
    with served.client as client:
        tuned = [likeliest(client, str(client.fine_tuning.jobs.retrieve(job).fine_tuned_model), row) for row in rows]
        base = [likeliest(client, BASE, row) for row in rows]
    assert set(truth).isdisjoint(base)
    assert sum(answer in truth for answer in tuned) >= 12
    assert sum(answer == right for answer, right in zip(tuned, truth, strict=True)) >= 8


def likeliest(client: openai.OpenAI, model: str, row: list[Any]) -> str | None:
    asked = client.chat.completions.create(model=model, messages=row[:-1], temperature=0, max_tokens=16)
    return asked.choices[0].message.content


def test_the_two_programs_run_with_the_last_client_of_the_old_line(served: Served, job: str, old: OldClients):
    environment = old.environment(served.url, served.key)
    asked = served.run(old.python_command(Path("start_job.py")), environment)

    assert served.client.fine_tuning.jobs.cancel(asked).id == asked
    assert served.run(old.python_command(Path("ask_model.py"), job), environment)


def test_the_two_programs_run_in_node(served: Served, job: str, old: OldClients):
    asked = served.run([old.node, "start_job.mjs"], served.environment)

    assert served.client.fine_tuning.jobs.cancel(asked).id == asked
    assert served.run([old.node, "ask_model.mjs", job], served.environment)
