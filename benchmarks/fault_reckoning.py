"""After a trial of faults: is every job there once, succeeded once, with every step once and the undisturbed weights;
is every file whole, and is nothing left over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from luthier.jobs.workers.strays import sweep_strays
from luthier.store import DEFAULT_PROJECT, Asked, Job, Store, files, job_events, jobs, models
from luthier.store.files import FILES

DONE = "The job has successfully completed"


def all_jobs(store: Store) -> tuple[Job, ...]:
    with store.database.reading() as connection:
        return jobs.page(connection, DEFAULT_PROJECT, Asked(1000, None, "asc")).items


def wrong_with_jobs(store: Store, undisturbed: Job, asked: int) -> Iterator[str]:
    steps, weights = _steps_of(store, undisturbed), _weights_of(store, undisturbed)
    if not steps or not weights:
        yield "the undisturbed run left nothing to compare with"
    made = [job for job in all_jobs(store) if job.id != undisturbed.id]
    numbers = sorted(int((job.metadata or {})["number"]) for job in made)
    if numbers != list(range(asked)):
        yield f"{asked} jobs were asked for, and these were made: {numbers}"
    for job in made:
        if job.status != "succeeded":
            yield f"{job.id} is {job.status}: {job.error}"
            continue
        if _steps_of(store, job) != steps:
            yield f"{job.id}: its steps are not those of the undisturbed run"
        if _weights_of(store, job) != weights:
            yield f"{job.id}: its weights are not those of the undisturbed run"
        with store.database.reading() as connection:
            events = job_events.since(connection, DEFAULT_PROJECT, job.id, 0, limit=100_000)
        if [event.sequence for event in events] != list(range(1, len(events) + 1)):
            yield f"{job.id}: its events are not numbered 1, 2, 3, …"
        if (ends := sum(event.message == DONE for event in events)) != 1:
            yield f"{job.id} ended {ends} times"


def wrong_with_files(store: Store, kept: Mapping[str, str]) -> Iterator[str]:
    """Call it when nobody writes any more. What nobody names is swept away here, without waiting a week."""
    with store.database.reading() as connection:
        records = [FILES.make(row) for row in connection.execute(FILES.table.select())]
        living = {file.id for file in records if files.find(connection, DEFAULT_PROJECT, file.id) is not None}
    for file in records:
        if file.id in living and _sha256(store, file.blob) != file.sha256:
            yield f"{file.id} is not the file that was written down"
    for id, sha256 in kept.items():
        if id not in living or _sha256(store, files.blob_key(id)) != sha256:
            yield f"{id} was promised to be kept, and is not there as it was sent"
    sweep_strays(store, older_than_seconds=-60)
    store.blobs.sweep_incoming(older_than_seconds=0)
    if strays := set(store.blobs.keys("files")) - {file.blob for file in records}:
        yield f"{len(strays)} blobs belong to no file"
    assert store.blobs.folder is not None
    if left := list((store.blobs.folder / "incoming").glob("*")):
        yield f"{len(left)} half files lie about"


def _sha256(store: Store, key: str) -> str | None:
    return hashlib.sha256(store.blobs.content(key)).hexdigest() if store.blobs.exists(key) else None


def _steps_of(store: Store, job: Job) -> list[dict[str, Any]]:
    with store.database.reading() as connection:
        return list(job_events.metrics(connection, DEFAULT_PROJECT, job.id))


def _weights_of(store: Store, job: Job) -> dict[str, str]:
    with store.database.reading() as connection:
        model = models.find(connection, DEFAULT_PROJECT, str(job.fine_tuned_model))
    assert model is not None
    keys = [key for key in store.blobs.keys(model.folder) if key.endswith((".safetensors", "weights.txt"))]
    return {Path(key).name: hashlib.sha256(store.blobs.content(key)).hexdigest() for key in keys}
