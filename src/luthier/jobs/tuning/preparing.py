"""From a claimed job to a run folder that a process can start in, or go on in."""

from __future__ import annotations

import os
from pathlib import Path

from luthier.jobs.refusals import JobRefused
from luthier.jobs.tuning.checking import fetch_files
from luthier.jobs.tuning.recipe_for import Rows, Start, recipe_for
from luthier.jobs.workers.mirror import fetch_state
from luthier.jobs.workers.plan import WorkerPlan
from luthier.recipe import dump_recipe
from luthier.store import Job, models

RECIPE_FILE = "recipe.yaml"


def run_folder(plan: WorkerPlan, job: Job) -> Path:
    return plan.runs.resolve() / job.id


def prepare_run(plan: WorkerPlan, job: Job) -> Path:
    """The run folder with recipe, rows and, from another host, the saved state.

    Raises JobRefused when the base or the parent is gone, FileRefused when a file is, StorageError without room.
    """
    folder = run_folder(plan, job)
    folder.mkdir(parents=True, exist_ok=True)
    training, validation = fetch_files(plan, job, folder / "input")
    notes = job.notes or {}
    rows = Rows(training, validation, notes["layout"], notes["examples"])
    recipe = recipe_for(job, _start_of(plan, job), rows, plan.overrides)
    part = folder / f".{RECIPE_FILE}.part"
    with part.open("w", encoding="utf-8") as file:
        file.write(dump_recipe(recipe))
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / RECIPE_FILE)
    if plan.does_mirror and notes.get("mirrored"):
        fetch_state(plan.store.blobs, job.id, notes["mirrored"], folder)
    return folder


def _start_of(plan: WorkerPlan, job: Job) -> Start:
    base = plan.bases.get(job.model)
    if base is None:
        raise JobRefused(f"The base model {job.model} is not served by this worker.", code="model_not_available")
    if job.parent is None:
        return Start(base.path)
    with plan.store.database.reading() as connection:
        parent = models.find_permitted(connection, job.project_id, job.parent)
    if parent is None:
        raise JobRefused(f"The model {job.parent} to go on from was deleted.", code="model_not_available")
    return Start(base.path, plan.store.blobs.folder_on_disk(parent.folder, plan.cache), parent.kind)
