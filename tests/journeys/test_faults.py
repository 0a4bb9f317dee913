"""Jobs survive random kill -9 over workers and runs, and restarts of the database: the small form of the benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.fault_house import Trial
from benchmarks.faults import disturb
from databases import KINDS
from some_jobs import FAKE_RUN


@pytest.mark.parametrize("kind", KINDS)
def test_every_job_succeeds_once_whatever_is_killed(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FAKE_RUN", json.dumps({"steps": 30, "step_seconds": 0.1}))
    server = None if kind == "sqlite" else request.getfixturevalue("postgres")
    trial = Trial(
        database_url=None if server is None else server.new_database(),
        data=tmp_path,
        jobs=6,
        workers=3,
        kills=8,
        seconds_between=0.6,
        lease_seconds=2.0,
        command=FAKE_RUN,
        restart=None if server is None else server.restart,
        restarts=0 if server is None else 2,
    )
    found = disturb(trial)
    assert found.wrong == []
    # How many kills find something to kill is the machine's affair; each kind must have been hit.
    victims = " ".join(found.killed.elements())
    assert "worker" in victims and "run" in victims and "server" in victims
