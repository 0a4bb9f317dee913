"""`luthier serve` and `luthier worker` as an operator meets them: quick to start, idle at rest, ended by a signal."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from luthier.cli import server_extra

ONLY_TRAINS = ("--port", "0", "--set", "engine.kind=none")


@contextlib.contextmanager
def begun(*words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "luthier", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def processor_seconds(process: subprocess.Popen[str]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_a_server_is_soon_there_rests_and_ends_well(here):
    with begun("serve", "--data", "data", *ONLY_TRAINS) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.split()[2]
        # Of the processor's time, so that other programs on the machine do not count.
        start_seconds = processor_seconds(process)
        assert httpx.get(f"{url.removesuffix('/v1')}/readyz").json()["status"] == "ready"
        time.sleep(0.5)
        before = processor_seconds(process)
        time.sleep(2)
        idle_seconds = processor_seconds(process) - before
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stderr is not None
        told = process.stderr.read()

    assert start_seconds < 5 and idle_seconds < 0.2
    assert "luthier keys create" in told and (here / "data" / "luthier.db").is_file()


def test_open_access_is_said_loudly(here):
    with begun("serve", "--data", "data", *ONLY_TRAINS, "--set", "access=open") as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert "WARNING: access is open" in process.stderr.read()


def test_settings_are_read_from_the_file_of_the_folder(here, call):
    (here / "luthier.yaml").write_text("port: high\n")

    outcome = call("serve")

    assert outcome.code == 2 and "luthier.yaml" in outcome.err and "port" in outcome.err


def test_a_server_for_everybody_without_keys_is_refused(here, call):
    outcome = call("serve", "--host", "0.0.0.0", "--set", "access=open")

    assert outcome.code == 2 and "access: open" in outcome.err


def test_without_its_libraries_the_server_says_how_to_install_them(here, call, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_extra, "LIBRARIES", {"no_such_module": "fastapi"})

    for verb in (("serve",), ("worker",), ("keys", "list")):
        outcome = call(*verb)
        assert outcome.code == 1 and "pip install 'luthier[server]'" in outcome.err


def test_a_data_folder_that_cannot_be_made_is_told(here, call):
    (here / "file").write_text("")

    for verb in ("serve", "worker"):
        outcome = call(verb, "--data", "file/data", "--set", "engine.kind=none")
        assert outcome.code == 6 and "cannot be written" in outcome.err and "--data" in outcome.err


def test_help_of_the_server_names_the_settings_of_the_server(call):
    for verb in (("serve",), ("worker",), ("keys", "create")):
        assert "docs/server-settings.md" in "".join(call(*verb, "--help").out.split())


def test_a_port_that_is_taken_is_told(here):
    with begun("serve", "--data", "data", *ONLY_TRAINS) as first:
        assert first.stdout is not None
        port = first.stdout.readline().split()[2].rpartition(":")[2].removesuffix("/v1")
        with begun("serve", "--data", "other", "--port", port, "--set", "engine.kind=none") as second:
            assert second.wait(60) == 1
            assert second.stderr is not None and f"cannot listen at 127.0.0.1, port {port}" in second.stderr.read()


def test_a_worker_ends_when_it_is_asked_to(here):
    with begun("worker", "--data", "data") as process:
        assert process.stdout is not None
        assert "works on the jobs" in process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
