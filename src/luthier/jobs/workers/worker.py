"""A worker: looks for jobs, checks their files, runs as many as it has slots, and puts in order what others lost.

Any number of workers on any number of hosts share one store. Each part is a thread of its own: a long training must
not keep the files of a new job from being checked, nor a lost job from being found.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from luthier.errors import LuthierError, StorageError
from luthier.jobs.refusals import FileRefused, JobRefused
from luthier.jobs.tuning.checking import check_job
from luthier.jobs.tuning.preparing import prepare_run, run_folder
from luthier.jobs.workers.child import is_out_of_room
from luthier.jobs.workers.plan import WorkerPlan
from luthier.jobs.workers.queue import Claim, Claimed, claim_queued, claim_unvalidated, heartbeat, is_work_waiting
from luthier.jobs.workers.reaper import forget_runs, reap, sweep
from luthier.jobs.workers.settling import refuse, settle, wait_for_room
from luthier.jobs.workers.supervisor import BEATS_PER_LEASE, supervise
from luthier.store import DatabaseUnreachable, Job, LeaseLost, workers
from luthier.store.jobs import Status

log = logging.getLogger(__name__)
SWEEP_SECONDS = 600.0
TROUBLE_SECONDS = 1.0
INSIST_SECONDS = 600.0


class Worker:
    """``run`` works until ``stop``; then runs at work save their state, and their jobs go back to the queue."""

    def __init__(self, plan: WorkerPlan):
        self.plan = plan
        self.owner = f"{os.uname().nodename[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._sweep_at = 0.0

    def run(self) -> None:
        """Returns when all threads have ended."""
        self.plan.runs.mkdir(parents=True, exist_ok=True)
        loops: list[Callable[[], bool]] = [self._check_one, self._put_in_order]
        loops += [self._run_one] * self.plan.slots
        threads = [threading.Thread(target=self._repeat, args=(loop,), name=loop.__name__) for loop in loops]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        try:
            with self.plan.store.database.writing() as connection:
                workers.leave(connection, self.owner)
        except StorageError as trouble:
            log.warning("the worker could not take its leave: %s", trouble.found)

    def stop(self) -> None:
        self._stopping.set()
        self._woken.set()

    def wake(self) -> None:
        """Look for work at once: a job was just created in this process."""
        self._woken.set()

    def _repeat(self, once: Callable[[], bool]) -> None:
        while not self._stopping.is_set():
            try:
                has_worked = once()
            except LeaseLost as lost:
                log.warning("%s", lost.found)
                has_worked = True
            except StorageError as trouble:
                log.warning("%s; tried again", trouble.found)
                self._stopping.wait(TROUBLE_SECONDS)
                continue
            except Exception:
                # A mistake of ours must not end the thread unseen; the job it happened with is told so below.
                log.exception("a worker's loop met something unexpected and goes on")
                self._stopping.wait(TROUBLE_SECONDS)
                continue
            if not has_worked:
                self._woken.wait(self.plan.poll_seconds)
                self._woken.clear()

    def _claim(self, status: Status, claim: Claim) -> Claimed | None:
        """Looks before it writes: most of the time nothing waits, and a writer keeps others out."""
        database = self.plan.store.database
        with database.reading() as connection:
            if not is_work_waiting(connection, status):
                return None
        with database.writing() as connection:
            return claim(connection, self.owner, self.plan.lease_seconds)

    def _check_one(self) -> bool:
        claimed = self._claim("validating_files", claim_unvalidated)
        if claimed is None:
            return False
        with self._held(claimed), self._excused(claimed):
            check_job(self.plan, claimed)
        self.wake()
        return True

    def _run_one(self) -> bool:
        claimed = self._claim("queued", claim_queued)
        if claimed is None:
            return False
        log.info("job %s begins (attempt %d)", claimed.job.id, claimed.lease.attempt)
        with self._excused(claimed):
            with self._held(claimed):
                folder = prepare_run(self.plan, claimed.job)
            ending = supervise(self.plan, claimed, folder, self._stopping)
            with self._held(claimed):
                job = self._insist(lambda: settle(self.plan, ending, run_folder(self.plan, claimed.job)))
            log.info("job %s is %s", job.id, job.status)
        return True

    def _put_in_order(self) -> bool:
        """Once per third of a lease; the dear part every ten minutes."""
        with self.plan.store.database.writing() as connection:
            workers.call_in(connection, self.owner, os.uname().nodename[:255], os.getpid())
        reap(self.plan)
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP_SECONDS
            sweep(self.plan.store)
            forget_runs(self.plan)
        self._stopping.wait(self.plan.lease_seconds / 3)
        return True

    def _insist(self, work: Callable[[], Job]) -> Job:
        """Again and again while the database is away: what a run did is not thrown away for a restart."""
        until = time.monotonic() + INSIST_SECONDS
        while True:
            try:
                return work()
            except DatabaseUnreachable as trouble:
                if time.monotonic() > until:
                    raise
                log.warning("%s; tried again", trouble.found)
                time.sleep(TROUBLE_SECONDS)

    def _wait_for_room(self, claimed: Claimed, reason: str) -> None:
        self._insist(lambda: wait_for_room(self.plan, claimed, reason))

    @contextmanager
    def _excused(self, claimed: Claimed) -> Iterator[None]:
        """What goes wrong with one job is that job's matter: it is refused, or waits, and the worker goes on."""
        try:
            yield
        except (FileRefused, JobRefused) as refused:
            refuse(self.plan, claimed, refused)
        except LeaseLost:
            raise
        except StorageError as trouble:
            self._wait_for_room(claimed, trouble.found)
        except Exception as error:
            if is_out_of_room(error):
                self._wait_for_room(claimed, str(error))
                return
            log.exception("job %s met something unexpected", claimed.job.id)
            refuse(self.plan, claimed, JobRefused("The server had an error with this job.", code="server_error"))

    @contextmanager
    def _held(self, claimed: Claimed) -> Iterator[None]:
        """Keep the lease through work that may take long and tells nothing: fetching, checking, putting away."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(self.plan.lease_seconds / BEATS_PER_LEASE):
                try:
                    with self.plan.store.database.writing() as connection:
                        heartbeat(connection, claimed.lease, self.plan.lease_seconds)
                except LuthierError as trouble:
                    log.warning("%s", trouble.found)

        thread = threading.Thread(target=beat, name="beat")
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
