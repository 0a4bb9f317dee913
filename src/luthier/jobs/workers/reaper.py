"""What nobody holds any more is put in order: lost leases, silent workers, files and weights that nobody needs."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time

from sqlalchemy import Connection

from luthier.jobs.tuning.checking import CHECK_PREFIX
from luthier.jobs.workers.plan import WorkerPlan
from luthier.jobs.workers.queue import return_lost
from luthier.jobs.workers.strays import sweep_strays
from luthier.store import Store, batches, evals, files, idempotency, jobs, models, uploads, workers
from luthier.store.uploads import Upload

log = logging.getLogger(__name__)
SILENT_LEASES = 10
CHECKED_SECONDS = 24 * 3600


def reap(plan: WorkerPlan) -> int:
    """Return lost jobs to the queue; how many. Cheap enough to be done often, by every worker."""
    with plan.store.database.writing() as connection:
        returned = return_lost(connection)
        workers.forget_silent(connection, SILENT_LEASES * plan.lease_seconds)
    for job in returned:
        log.warning("job %s was lost by its worker and is %s", job.id, job.status)
    return len(returned)


def sweep(store: Store) -> None:
    """Remove the bytes of what was deleted, expired or abandoned; done now and then."""
    _sweep_files(store)
    _sweep_models(store)
    _sweep_uploads(store)
    with store.database.writing() as connection:
        idempotency.forget_old(connection)
    store.blobs.sweep_incoming()
    sweep_strays(store)


def _sweep_files(store: Store) -> None:
    with store.database.reading() as connection:
        gone = [file for file in files.disposable(connection) if not _is_needed(connection, file.id)]
    for file in gone:
        store.blobs.remove(file.blob)
        with store.database.writing() as connection:
            files.forget(connection, file.project_id, file.id)


def _sweep_models(store: Store) -> None:
    with store.database.reading() as connection:
        gone = models.disposable(connection)
    for model in gone:
        store.blobs.remove_folder(model.folder)
        with store.database.writing() as connection:
            models.forget(connection, model.project_id, model.id)


def _sweep_uploads(store: Store) -> None:
    with store.database.reading() as connection:
        late: tuple[Upload, ...] = uploads.abandoned(connection)
    for upload in late:
        with store.database.writing() as connection:
            if uploads.settle(connection, upload.project_id, upload.id, "expired") is None:
                continue
            parts = uploads.forget_parts(connection, upload.project_id, upload.id)
        for part in parts:
            store.blobs.remove(part.blob)


def forget_runs(plan: WorkerPlan) -> None:
    """Remove run folders of jobs that are over, and copies that were being checked: killed workers left them."""
    for folder in plan.runs.glob(f"{CHECK_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            if folder.stat().st_mtime < time.time() - CHECKED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
    for folder in plan.runs.glob("ftjob-*"):
        with plan.store.database.reading() as connection:
            job = jobs.find_anywhere(connection, folder.name)
        if job is not None and job.is_over:
            shutil.rmtree(folder, ignore_errors=True)


def _is_needed(connection: Connection, file_id: str) -> bool:
    return any(kind.is_needed(connection, file_id) for kind in (jobs, batches, evals))
