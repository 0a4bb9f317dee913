"""A run's saved state in the blob store, so that a worker on another host can go on from it."""

from __future__ import annotations

import shutil
from pathlib import Path

from luthier.errors import StorageError
from luthier.store import Blobs

CHECKPOINTS = "checkpoints"


def mirror_state(blobs: Blobs, job_id: str, folder: Path, earlier: str | None) -> str | None:
    """Put the saved state in ``folder`` there and remove the ``earlier`` one; its name, or None where it is gone.

    Called while the run goes on, which may remove a state that is no longer among its newest.
    """
    try:
        blobs.put_folder(_key(job_id, folder.name), folder)
    except (FileNotFoundError, StorageError):
        if folder.is_dir():
            raise
        return earlier
    if earlier is not None and earlier != folder.name:
        blobs.remove_folder(_key(job_id, earlier))
    return folder.name


def fetch_state(blobs: Blobs, job_id: str, name: str, run: Path) -> None:
    """Bring the saved state into the run folder, unless it is there or a newer one is."""
    checkpoints = run / CHECKPOINTS
    there = sorted(path.name for path in checkpoints.glob("step-*"))
    if (there and there[-1] >= name) or not blobs.has_folder(_key(job_id, name)):
        return
    part = checkpoints / f".{name}.fetched"
    shutil.rmtree(part, ignore_errors=True)
    prefix = _key(job_id, name)
    for key in blobs.keys(prefix):
        blobs.fetch(key, part / key.removeprefix(f"{prefix}/"))
    part.rename(checkpoints / name)


def forget_states(blobs: Blobs, job_id: str, name: str | None) -> None:
    """Once the job is over."""
    if name is not None:
        blobs.remove_folder(_key(job_id, name))


def _key(job_id: str, name: str) -> str:
    return f"runs/{job_id}/{name}"
