"""Cancel, pause and resume: legal where they make sense, refused with 400 elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from luthier.jobs import JobRefused, cancel, pause, resume
from luthier.store import DEFAULT_PROJECT, JOBS, Job, Store
from some_jobs import ask

WISHES: dict[str, Callable[..., Job | None]] = {"cancel": cancel, "pause": pause, "resume": resume}


def stand(store: Store, job: Job, **values) -> None:
    with store.database.writing() as connection:
        JOBS.change(connection, DEFAULT_PROJECT, job.id, **values)


@pytest.mark.parametrize(
    ("wish", "status", "becomes"),
    [
        ("cancel", "validating_files", "cancelled"),
        ("cancel", "queued", "cancelled"),
        ("cancel", "paused", "cancelled"),
        ("pause", "queued", "paused"),
        ("resume", "paused", "queued"),
    ],
)
def test_where_nobody_works_on_the_job_the_wish_is_met_at_once(store: Store, wish, status, becomes):
    job = ask(store)
    stand(store, job, status=status)
    with store.database.writing() as connection:
        changed = WISHES[wish](connection, DEFAULT_PROJECT, job.id)
    assert changed is not None and changed.status == becomes and changed.want is None
    assert (changed.finished_at is not None) == (becomes == "cancelled")


@pytest.mark.parametrize("wish", ["cancel", "pause"])
def test_a_worker_at_work_is_left_the_wish(store: Store, wish: str):
    job = ask(store)
    stand(store, job, status="running", owner="one", lease_until=4e9)
    with store.database.writing() as connection:
        changed = WISHES[wish](connection, DEFAULT_PROJECT, job.id)
    assert changed is not None and (changed.status, changed.want) == ("running", wish)


@pytest.mark.parametrize(
    ("wish", "status"),
    [(wish, status) for wish in WISHES for status in ("succeeded", "failed", "cancelled")]
    + [("resume", "running"), ("resume", "queued"), ("pause", "paused"), ("pause", "validating_files")],
)
def test_an_illegal_state_is_refused(store: Store, wish: str, status: str):
    job = ask(store)
    stand(store, job, status=status)
    with pytest.raises(JobRefused, match=f"its status is '{status}'"), store.database.writing() as connection:
        WISHES[wish](connection, DEFAULT_PROJECT, job.id)


@pytest.mark.parametrize("wish", WISHES)
def test_another_projects_job_is_no_job(store: Store, wish: str):
    job = ask(store)
    with store.database.writing() as connection:
        assert WISHES[wish](connection, "proj_other", job.id) is None
