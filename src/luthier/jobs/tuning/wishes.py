"""Cancel, pause, resume: done at once where nobody works on the job, left as a wish with whoever does."""

from __future__ import annotations

from sqlalchemy import Connection

from luthier.jobs.refusals import JobRefused
from luthier.jobs.workers.queue import settle_wish
from luthier.store import JOBS, Fact, Job, job_events, jobs
from luthier.store.jobs import Wish


def cancel(connection: Connection, project_id: str, id: str) -> Job | None:
    """Legal until the job is over; None where there is no such job. Raises JobRefused in an illegal state."""
    job = jobs.lock(connection, project_id, id)
    if job is None:
        return None
    if job.is_over:
        raise _illegal("cancel", job)
    return _wished(connection, job, "cancel")


def pause(connection: Connection, project_id: str, id: str) -> Job | None:
    """Legal while queued or running: the state is saved, and the job waits for `resume`."""
    job = jobs.lock(connection, project_id, id)
    if job is None:
        return None
    if job.status not in ("queued", "running") or job.want == "cancel":
        raise _illegal("pause", job)
    return _wished(connection, job, "pause")


def resume(connection: Connection, project_id: str, id: str) -> Job | None:
    """Legal while paused: back to the queue, to go on from the saved state."""
    job = jobs.lock(connection, project_id, id)
    if job is None:
        return None
    if job.status != "paused":
        raise _illegal("resume", job)
    job_events.tell(connection, project_id, id, Fact("Fine-tuning job resumed"))
    return JOBS.change(connection, project_id, id, status="queued", want=None, not_before=0.0)


def _wished(connection: Connection, job: Job, want: Wish) -> Job:
    left = jobs.wish(connection, job.project_id, job.id, want)
    assert left is not None
    return left if left.owner is not None else settle_wish(connection, left)


def _illegal(what: str, job: Job) -> JobRefused:
    return JobRefused(
        f"Cannot {what} job {job.id}: its status is '{job.status}'.", code="invalid_job_state", param="id"
    )
