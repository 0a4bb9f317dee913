"""What follows from how a run ended: success, failure, a pause, or another try."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

from luthier.jobs.refusals import FileRefused, JobRefused
from luthier.jobs.tuning.leaving import end_early, succeed
from luthier.jobs.workers.mirror import forget_states
from luthier.jobs.workers.plan import WorkerPlan
from luthier.jobs.workers.queue import Claimed, hand_back
from luthier.jobs.workers.supervisor import Ending
from luthier.store import Fact, Job, clock

log = logging.getLogger(__name__)
LEAST_MICRO_BATCH_TOKENS = 64
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0
# A full disk is mended by people, so it is waited for longer than for anything else.
MOST_STORAGE_TRIES = 1000
LEAST_ROOM_BYTES = 1 << 20


def settle(plan: WorkerPlan, ending: Ending, folder: Path) -> Job:
    """Move the job to where it belongs now. Raises LeaseLost, and StorageError when there is no room to do it."""
    claimed, result = ending.claimed, ending.result
    outcome = (result or {}).get("outcome")
    if claimed.job.want == "cancel" or ending.was_asked == "cancel":
        job = end_early(plan.store, claimed, "cancelled", [Fact("Fine-tuning job cancelled", once="cancelled")])
    elif outcome == "succeeded":
        job = succeed(plan.store, claimed, folder)
    elif outcome == "stopped" or (result is None and ending.was_asked is not None):
        job = _stopped(plan, ending)
    elif outcome == "memory" or (result is None and ending.died_of_memory):
        job = _out_of_memory(plan, ending, folder)
    elif outcome == "storage":
        job = wait_for_room(plan, claimed, str((result or {}).get("found")))
    elif outcome == "failed":
        job = _failed(plan, claimed, "training_failed", f"{(result or {})['found']}. {(result or {})['fix']}")
    elif shutil.disk_usage(folder).free < LEAST_ROOM_BYTES:
        # It could not even say so: whatever else it died of, there is no blaming it while nothing can be written.
        job = wait_for_room(plan, claimed, "the disk is full")
    else:
        job = _crashed(plan, ending)
    if job.is_over:
        forget_states(plan.store.blobs, job.id, (job.notes or {}).get("mirrored"))
        shutil.rmtree(folder, ignore_errors=True)
    return job


def refuse(plan: WorkerPlan, claimed: Claimed, refused: FileRefused | JobRefused) -> Job:
    """A job that cannot even begin: its base, its parent or a file is gone."""
    return _failed(plan, claimed, refused.code or "invalid_value", refused.message, refused.param)


def wait_for_room(plan: WorkerPlan, claimed: Claimed, reason: str) -> Job:
    """Back to where it was, to be tried again a little later; the job is not to blame."""
    job = claimed.job
    tries = (job.notes or {}).get("storage_tries", 0) + 1
    if tries > MOST_STORAGE_TRIES:
        return _failed(plan, claimed, "storage_error", f"The job could not be stored: {reason}")
    told = Fact(f"The job waits for room to store its results: {reason[:300]}", level="warn", once=f"storage:{tries}")
    status = "validating_files" if job.status == "validating_files" else "queued"
    return _try_again(plan, claimed, told, _wait(tries), status, storage_tries=tries)


def _stopped(plan: WorkerPlan, ending: Ending) -> Job:
    """Saved at the asking of a pause, or of a worker that is shut down: then another one goes on."""
    claimed = ending.claimed
    with plan.store.database.writing() as connection:
        return hand_back(connection, claimed, "queued")


def _out_of_memory(plan: WorkerPlan, ending: Ending, folder: Path) -> Job:
    claimed, notes = ending.claimed, ending.claimed.job.notes or {}
    found = str((ending.result or {}).get("found", "the system ended the run"))
    tokens = _micro_batch_tokens(folder)
    if "micro_batch_tokens" in notes or tokens is None or tokens // 2 < LEAST_MICRO_BATCH_TOKENS:
        return _failed(plan, claimed, "out_of_memory", f"The run needs more memory than this machine has ({found}).")
    smaller = tokens // 2
    message = f"The run was out of memory ({found}); it is tried once more with micro-batches of {smaller} tokens"
    told = Fact(message, level="warn", once="memory")
    return _try_again(plan, claimed, told, 0.0, "queued", micro_batch_tokens=smaller)


def _crashed(plan: WorkerPlan, ending: Ending) -> Job:
    """Counted only while the run gets no further, so that a long job on a shaky machine comes to its end."""
    job, notes = ending.claimed.job, ending.claimed.job.notes or {}
    step = ending.following.last_step
    has_moved = step > notes.get("crash_step", 0)
    crashes = 1 if has_moved else job.crashes + 1
    if crashes > plan.max_crashes:
        message = f"The run ended unexpectedly {crashes} times without getting further than step {step}."
        return _failed(plan, ending.claimed, "run_crashed", message)
    message = f"The run ended unexpectedly after step {step}; it goes on from its last checkpoint"
    told = Fact(message, level="warn")
    wait = 0.0 if has_moved else _wait(crashes)
    return _try_again(plan, ending.claimed, told, wait, "queued", crashes=crashes, crash_step=max(step, 0))


def _try_again(
    plan: WorkerPlan, claimed: Claimed, told: Fact, wait_seconds: float, status: Any, **remembered: Any
) -> Job:
    """``remembered`` goes into the job's notes; crashes have a column of their own."""
    crashes = remembered.pop("crashes", claimed.job.crashes)
    notes = {**(claimed.job.notes or {}), **remembered}
    with plan.store.database.writing() as connection:
        at = clock(connection) + wait_seconds
        return hand_back(connection, claimed, status, [told], notes=notes, crashes=crashes, not_before=at)


def _failed(plan: WorkerPlan, claimed: Claimed, code: str, message: str, param: str | None = None) -> Job:
    log.warning("job %s failed: %s", claimed.job.id, message)
    error = {"code": code, "message": message, "param": param}
    return end_early(plan.store, claimed, "failed", [Fact(message, level="error", once="failed")], error=error)


def _wait(tries: int) -> float:
    return min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(tries - 1, 10))


def _micro_batch_tokens(folder: Path) -> int | None:
    """What the run had decided; a run that died before it decided had too little for the base alone."""
    try:
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        return int(facts["resolved"]["training.micro_batch_tokens"]["value"])
    except (FileNotFoundError, ValueError, KeyError):
        return None
