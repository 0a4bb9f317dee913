"""One run from start to end: events told as they come, the lease held, wishes met, and whatever came of it settled.

The exit code is not the truth: the run folder's result is. A run that dies without one crashed; it goes on from its
last checkpoint, unless it dies again and again without getting any further.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from luthier.errors import StorageError
from luthier.jobs.tuning.following import Following, StateSaved, Told, WeightsLeft, read_on
from luthier.jobs.tuning.leaving import leave_checkpoint
from luthier.jobs.workers.mirror import mirror_state
from luthier.jobs.workers.plan import WorkerPlan
from luthier.jobs.workers.queue import Claimed, heartbeat, tell
from luthier.jobs.workers.run_process import RunProcess, start_run
from luthier.store import DatabaseUnreachable, Fact, Job, LeaseLost, jobs

log = logging.getLogger(__name__)
# How often a run's events are looked at; a wish is met within about this time and one step.
LOOK_SECONDS = 0.25
WISH_SECONDS = 1.0
# A heartbeat comes so many times within a lease.
BEATS_PER_LEASE = 4


@dataclass(frozen=True)
class Ending:
    """How a run came to its end. ``result`` is None where it died without a word."""

    claimed: Claimed
    following: Following
    result: dict[str, Any] | None
    died_of_memory: bool
    was_asked: str | None


def supervise(plan: WorkerPlan, claimed: Claimed, folder: Path, stopping: threading.Event) -> Ending:
    """Run the job's process to its end (or until a wish, or ``stopping``, ends it) and tell what it says.

    Raises LeaseLost when somebody else has the job now; its process is dead then, as after every other error.
    """
    run = start_run(folder, plan.command)
    try:
        return _watch(_Watched(plan, claimed, run), stopping)
    finally:
        run.kill()


@dataclass
class _Watched:
    """A run at work: what was told so far, and what it was asked to do."""

    plan: WorkerPlan
    claimed: Claimed
    run: RunProcess
    following: Following = field(default_factory=Following)
    pending: tuple[Told, ...] = ()
    beat_at: float = 0.0
    looked_at: float = 0.0
    asked: str | None = None
    asked_at: float = 0.0


def _watch(watched: _Watched, stopping: threading.Event) -> Ending:
    while True:
        _look(watched)
        is_over = not watched.run.is_alive
        watched.following, told = read_on(watched.following, watched.run.folder, is_over)
        watched.pending += told
        is_told = _tell_all(watched)
        _meet_wishes(watched, stopping)
        if is_over and is_told:
            died_of_memory = watched.run.died_of_memory()
            result = watched.run.result()
            return Ending(watched.claimed, watched.following, result, died_of_memory, watched.asked)
        time.sleep(LOOK_SECONDS)


def _look(watched: _Watched) -> None:
    """What was wished since: a look without a lock, more often than a heartbeat."""
    if time.monotonic() - watched.looked_at < WISH_SECONDS:
        return
    watched.looked_at = time.monotonic()
    job = watched.claimed.job
    with contextlib.suppress(DatabaseUnreachable), watched.plan.store.database.reading() as connection:
        now = jobs.find(connection, job.project_id, job.id)
        if now is not None and (now.owner, now.attempt) == (job.owner, job.attempt):
            watched.claimed = replace(watched.claimed, job=now)


def _tell_all(watched: _Watched) -> bool:
    """Tell what is pending and renew the lease where that is due; False while database or disk do not take it."""
    lease_seconds = watched.plan.lease_seconds
    is_due = time.monotonic() - watched.beat_at >= lease_seconds / BEATS_PER_LEASE
    if not watched.pending and not is_due:
        return True
    database, claimed = watched.plan.store.database, watched.claimed
    try:
        with database.writing() as connection:
            job = heartbeat(connection, claimed.lease, lease_seconds)
        watched.claimed = replace(claimed, job=job)
        watched.beat_at = time.monotonic()
        # In their order, and many facts at once: a transaction per step would be slower than the steps.
        for is_fact, group in groupby(watched.pending, lambda told: isinstance(told, Fact)):
            several = tuple(group)
            if is_fact:
                _tell_facts(watched, [told for told in several if isinstance(told, Fact)])
            else:
                for told in several:
                    _keep(watched, told)
            watched.pending = watched.pending[len(several) :]
    except LeaseLost:
        raise
    except StorageError as trouble:
        # Also a database that is away: the run goes on, and what it says is told when there is somebody to tell.
        log.warning("job %s: %s; tried again", claimed.job.id, trouble.found)
        time.sleep(1.0)
        return False
    return True


def _tell_facts(watched: _Watched, facts: Sequence[Fact]) -> None:
    with watched.plan.store.database.writing() as connection:
        job = tell(connection, watched.claimed, facts, estimated_finish=_estimate(watched.following))
    watched.claimed = replace(watched.claimed, job=job)


def _keep(watched: _Watched, told: Told) -> None:
    plan, claimed = watched.plan, watched.claimed
    match told:
        case WeightsLeft(is_epoch=is_epoch):
            if is_epoch or watched.asked == "pause":
                leave_checkpoint(plan.store, claimed, told)
        case StateSaved(folder=folder) if plan.does_mirror:
            notes = claimed.job.notes or {}
            name = mirror_state(plan.store.blobs, claimed.job.id, Path(folder), notes.get("mirrored"))
            with plan.store.database.writing() as connection:
                job = tell(connection, claimed, [], notes={**notes, "mirrored": name})
            watched.claimed = replace(claimed, job=job)
        case _:
            pass


def _meet_wishes(watched: _Watched, stopping: threading.Event) -> None:
    job: Job = watched.claimed.job
    wanted = job.want or ("stop" if stopping.is_set() else None)
    if wanted is None or not watched.run.is_alive:
        return
    if wanted == "cancel":
        watched.asked = "cancel"
        watched.run.kill()
    elif watched.asked is None:
        watched.asked, watched.asked_at = wanted, time.monotonic()
        watched.run.ask_to_stop()
    elif time.monotonic() - watched.asked_at > watched.plan.grace_seconds:
        # What it did since its last checkpoint is done again by whoever goes on; no step is told twice.
        watched.run.kill()


def _estimate(following: Following) -> int | None:
    remaining = following.remaining_seconds
    return None if remaining is None else int(time.time() + remaining) + 1
