"""What a job leaves: checkpoints that answer, the final model, the result file."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from luthier.jobs.tuning import wording
from luthier.jobs.tuning.following import WeightsLeft
from luthier.jobs.tuning.names import model_name
from luthier.jobs.tuning.recipe_for import KEPT_EPOCHS
from luthier.jobs.tuning.result_file import result_csv
from luthier.jobs.workers.queue import Claimed, finish, tell
from luthier.store import (
    Checkpoint,
    Fact,
    Job,
    Store,
    StoredFile,
    TunedModel,
    checkpoints,
    files,
    job_events,
    models,
    new_id,
    projects,
)
from luthier.store.jobs import Status


def leave_checkpoint(store: Store, claimed: Claimed, left: WeightsLeft) -> None:
    """Make the weights a model of their own, once per step; the newest few stay. Raises LeaseLost."""
    job = claimed.job
    with store.database.reading() as connection:
        known = {known.step_number for known in checkpoints.of_job(connection, job.project_id, job.id)}
    is_retired = len(known) >= KEPT_EPOCHS and left.step < min(known)
    if left.step in known or is_retired or not Path(left.folder).is_dir():
        return
    key = models.folder_key(job.id, left.step)
    store.blobs.put_folder(key, Path(left.folder))
    with store.database.writing() as connection:
        organization = _organization(connection, job)
        name = model_name(job, organization, left.step)
        fact = Fact(wording.checkpoint(left.step), once=f"checkpoint:{left.step}", created_at=left.at)
        tell(connection, claimed, [fact])
        models.create(connection, _model(job, name, key, organization, Path(left.folder), left.step))
        checkpoints.create(
            connection,
            Checkpoint(new_id("ftckpt_"), job.project_id, job.id, left.step, name, left.at, left.metrics),
        )
        gone = _retire(connection, job)
    for old in gone:
        store.blobs.remove_folder(old)


def succeed(store: Store, claimed: Claimed, run: Path) -> Job:
    """The final model, the result file and the end of the job become true together. Raises LeaseLost."""
    job = claimed.job
    weights = run / "adapter" if (run / "adapter").is_dir() else run / "model"
    key = models.folder_key(job.id)
    store.blobs.put_folder(key, weights)
    file = _put_result(store, job)
    with store.database.writing() as connection:
        organization = _organization(connection, job)
        name = model_name(job, organization)
        facts = [Fact(wording.model(name), once="model"), Fact(wording.DONE, once="done")]
        last: dict[str, Any] = {
            "fine_tuned_model": name,
            "result_files": [file.id],
            "trained_tokens": given_tokens(run),
        }
        ended = finish(connection, claimed, "succeeded", facts, **last)
        models.create(connection, _model(job, name, key, organization, weights))
        files.create(connection, file)
    return ended


def end_early(store: Store, claimed: Claimed, status: Status, facts: list[Fact], **values: Any) -> Job:
    """Failed or cancelled; what was measured until then is left as a result file. Raises LeaseLost."""
    job = claimed.job
    with store.database.reading() as connection:
        has_metrics = bool(job_events.metrics(connection, job.project_id, job.id))
    file = _put_result(store, job) if has_metrics else None
    with store.database.writing() as connection:
        left = {} if file is None else {"result_files": [file.id]}
        ended = finish(connection, claimed, status, facts, **left, **values)
        if file is not None:
            files.create(connection, file)
    return ended


def given_tokens(run: Path) -> int | None:
    """Tokens of the training file after cutting, times epochs, as the run counted them."""
    try:
        facts = json.loads((run / "facts.json").read_text(encoding="utf-8"))
        return int(facts["resolved"]["folding.given_tokens"]["value"])
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _put_result(store: Store, job: Job) -> StoredFile:
    with store.database.reading() as connection:
        content = result_csv(job_events.metrics(connection, job.project_id, job.id))
    id = new_id("file-")
    written = store.blobs.put(files.blob_key(id), [content])
    now = int(time.time())
    return StoredFile(
        id=id,
        project_id=job.project_id,
        filename="step_metrics.csv",
        purpose="fine-tune-results",
        bytes=written.bytes,
        sha256=written.sha256,
        blob=written.key,
        created_at=now,
    )


def _model(job: Job, name: str, key: str, organization: str, weights: Path, step: int | None = None) -> TunedModel:
    is_adapter = any((weights / config).is_file() for config in ("adapter_config.json", "bottleneck_config.json"))
    return TunedModel(
        id=name,
        project_id=job.project_id,
        base=job.model,
        job_id=job.id,
        kind="adapter" if is_adapter else "model",
        folder=key,
        owned_by=organization or "luthier",
        created_at=int(time.time()),
        parent=job.parent,
        step=step,
    )


def _retire(connection: Connection, job: Job) -> list[str]:
    """Take the oldest checkpoints out of service; the keys of their weights, which nobody can ask for any more."""
    known = checkpoints.of_job(connection, job.project_id, job.id)
    gone = []
    for old in known[:-KEPT_EPOCHS]:
        checkpoints.remove(connection, job.project_id, old.id)
        models.forget(connection, job.project_id, old.model)
        gone.append(models.folder_key(job.id, old.step_number))
    return gone


def _organization(connection: Connection, job: Job) -> str:
    project = projects.find(connection, job.project_id)
    return "" if project is None else project.organization
