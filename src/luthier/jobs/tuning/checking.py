"""The first stage of a job: its files are fetched and checked; then it is queued, or fails with what was found."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from luthier.jobs.refusals import FileRefused
from luthier.jobs.tuning import wording
from luthier.jobs.tuning.hyperparameters import resolve
from luthier.jobs.tuning.validation import CheckedFile, check_file, shared_rows
from luthier.jobs.workers.plan import WorkerPlan
from luthier.jobs.workers.queue import Claimed, finish, hand_back
from luthier.store import Fact, Job, files

TRAINING_FILE, VALIDATION_FILE = "training.jsonl", "validation.jsonl"
CHECK_PREFIX = ".check-"


def check_job(plan: WorkerPlan, claimed: Claimed) -> None:
    """Raises LeaseLost when somebody else has taken over, and StorageError where there is no room."""
    job = claimed.job
    try:
        training, validation = _checked_files(plan, job)
    except FileRefused as refused:
        told = [Fact(refused.message, level="error", once="failed")]
        with plan.store.database.writing() as connection:
            finish(connection, claimed, "failed", told, error=refused.as_error())
        return
    facts = []
    if validation is not None and (shared := shared_rows(training, validation)):
        message = f"{shared} row(s) of the validation file are training rows too; its losses say less than they seem to"
        facts.append(Fact(message, level="warn", once="shared"))
    numbers = resolve(job.hyperparameters, training.examples)
    kind = job.method_type
    method = {**job.method, kind: {**job.method[kind], "hyperparameters": numbers}}
    notes = {**(job.notes or {}), "examples": training.examples, "layout": training.layout}
    facts.append(Fact(wording.QUEUED, once="queued"))
    with plan.store.database.writing() as connection:
        hand_back(connection, claimed, "queued", facts, hyperparameters=numbers, method=method, notes=notes)


def fetch_files(plan: WorkerPlan, job: Job, folder: Path) -> tuple[Path, Path | None]:
    """The job's own copies of its files: they may be deleted while it runs. Raises FileRefused for one that is gone."""
    training = _fetch(plan, job, job.training_file, folder / TRAINING_FILE, "training_file")
    if job.validation_file is None:
        return training, None
    return training, _fetch(plan, job, job.validation_file, folder / VALIDATION_FILE, "validation_file")


def _checked_files(plan: WorkerPlan, job: Job) -> tuple[CheckedFile, CheckedFile | None]:
    plan.runs.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=CHECK_PREFIX, dir=plan.runs) as folder:
        training, validation = fetch_files(plan, job, Path(folder))
        checked = check_file(training, job.method_type, "training_file")
        if validation is None:
            return checked, None
        return checked, check_file(validation, job.method_type, "validation_file")


def _fetch(plan: WorkerPlan, job: Job, id: str, target: Path, param: str) -> Path:
    if target.exists():
        return target
    with plan.store.database.reading() as connection:
        file = files.find_even_deleted(connection, job.project_id, id)
    if file is None:
        raise FileRefused("invalid_file", f"The file {id} is gone.", param)
    local = plan.store.blobs.folder
    if local is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            # No second copy on the same disk, and no less a copy: a blob is never written to again.
            os.link(local / file.blob, target)
            return target
        except OSError:
            pass
    plan.store.blobs.fetch(file.blob, target)
    return target
