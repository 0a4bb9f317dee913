"""The queue: jobs are claimed with a lease and moved only by whoever holds it; nothing is deleted on reading."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, or_, select

from luthier.jobs.tuning.wording import LOST, STARTED
from luthier.store import JOBS, Fact, Job, Lease, claim_one, clock, give_up, job_events, renew, webhooks, write_as
from luthier.store.jobs import TERMINAL, Status

WEBHOOKS: dict[str, str] = {status: f"fine_tuning.job.{status}" for status in TERMINAL}
TABLE = JOBS.table.c


@dataclass(frozen=True)
class Claimed:
    """A job, and the right to write to it."""

    job: Job
    lease: Lease


# Takes the worker's name and the lease's seconds.
Claim = Callable[[Connection, str, float], Claimed | None]


def is_work_waiting(connection: Connection, status: Status) -> bool:
    """A look without a lock, so that idle workers disturb nobody."""
    now = clock(connection)
    is_free = or_(TABLE.lease_until.is_(None), TABLE.lease_until < now)
    waiting = select(TABLE.id).where(TABLE.status == status, TABLE.not_before <= now, is_free).limit(1)
    return connection.execute(waiting).first() is not None


def claim_unvalidated(connection: Connection, owner: str, seconds: float) -> Claimed | None:
    """The oldest job whose files nobody has checked yet."""
    ready = (TABLE.status == "validating_files") & (TABLE.not_before <= clock(connection))
    return _claimed(claim_one(connection, JOBS, ready, owner, seconds))


def claim_queued(connection: Connection, owner: str, seconds: float) -> Claimed | None:
    """The oldest queued job, which is running from now on."""
    ready = (TABLE.status == "queued") & (TABLE.not_before <= clock(connection))
    job = claim_one(connection, JOBS, ready, owner, seconds, status="running")
    if job is None:
        return None
    if job.started_at is None:
        lease = Lease(job.id, owner, job.attempt)
        job = write_as(connection, JOBS, lease, started_at=int(time.time()))
    job_events.tell(connection, job.project_id, job.id, Fact(STARTED, once="started"))
    return _claimed(job)


def heartbeat(connection: Connection, lease: Lease, seconds: float) -> Job:
    """Hold the lease for ``seconds`` more; what comes back tells of wishes. Raises LeaseLost."""
    return renew(connection, JOBS, lease, seconds)


def tell(connection: Connection, claimed: Claimed, facts: Sequence[Fact], **values: Any) -> Job:
    """Events and changes of a job at work, as its holder; raises LeaseLost, and then nothing was written."""
    values = values or {"owner": claimed.lease.owner}
    job = write_as(connection, JOBS, claimed.lease, **values)
    job_events.tell(connection, job.project_id, job.id, *facts)
    return job


def hand_back(
    connection: Connection, claimed: Claimed, status: Status, facts: Sequence[Fact] = (), **values: Any
) -> Job:
    """Let go of a job that is not over; raises LeaseLost. A wish that came meanwhile is met now."""
    given = {"status": status, "estimated_finish": None, **values}
    job = give_up(connection, JOBS, claimed.lease, **given)
    job_events.tell(connection, job.project_id, job.id, *facts)
    return settle_wish(connection, job)


def finish(connection: Connection, claimed: Claimed, status: Status, facts: Sequence[Fact] = (), **values: Any) -> Job:
    """End the job, once; raises LeaseLost. Webhooks that wait for it are announced in the same transaction."""
    write_as(connection, JOBS, claimed.lease, owner=claimed.lease.owner)
    return end(connection, claimed.job, status, facts, **values)


def end(connection: Connection, job: Job, status: Status, facts: Sequence[Fact] = (), **values: Any) -> Job:
    """End a job that the caller holds, or that nobody does."""
    last = {
        "status": status,
        "want": None,
        "owner": None,
        "lease_until": None,
        "estimated_finish": None,
        "finished_at": int(time.time()),
        **values,
    }
    ended = JOBS.change(connection, job.project_id, job.id, **last)
    assert ended is not None
    job_events.tell(connection, job.project_id, job.id, *facts)
    webhooks.announce(connection, job.project_id, WEBHOOKS[status], job.id)
    return ended


def settle_wish(connection: Connection, job: Job) -> Job:
    """Meet the wish of a job that nobody holds."""
    match job.want:
        case "cancel":
            return end(connection, job, "cancelled", [Fact("Fine-tuning job cancelled", once="cancelled")])
        case "pause" if job.status != "validating_files":
            job_events.tell(connection, job.project_id, job.id, Fact("Fine-tuning job paused"))
            paused = JOBS.change(connection, job.project_id, job.id, status="paused", want=None)
            assert paused is not None
            return paused
        case _:
            return job


def return_lost(connection: Connection) -> tuple[Job, ...]:
    """Jobs whose lease ran out go back to the queue (or meet the wish that was left with them); which those were."""
    late = select(JOBS.table).where(TABLE.lease_until < clock(connection), TABLE.status.not_in(TERMINAL))
    rows = connection.execute(late.with_for_update(skip_locked=True)).all()
    returned = []
    for job in map(JOBS.make, rows):
        status = "queued" if job.status == "running" else job.status
        freed = {"status": status, "owner": None, "lease_until": None, "estimated_finish": None}
        freed_job = JOBS.change(connection, job.project_id, job.id, **freed)
        assert freed_job is not None
        if job.status == "running":
            job_events.tell(connection, job.project_id, job.id, Fact(LOST, level="warn"))
        returned.append(settle_wish(connection, freed_job))
    return tuple(returned)


def _claimed(job: Job | None) -> Claimed | None:
    if job is None or job.owner is None:
        return None
    return Claimed(job, Lease(job.id, job.owner, job.attempt))
