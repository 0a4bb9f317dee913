"""Everything needed to go on, in a folder that is either whole or not there.

A checkpoint is written beside its final name, flushed to disk, and renamed; `manifest.json` holds a SHA-256 of each
file, which is checked before anything is loaded.
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from luthier.errors import StorageError

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Checkpoint:
    """State after ``step`` optimizer steps: trained parameters and the optimizer's moments, by name."""

    step: int
    parameters: dict[str, torch.Tensor]
    moments: dict[str, torch.Tensor]


def save_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int) -> Path:
    """Write ``folder/step-000120`` atomically, then remove all but the newest ``keep``.

    Raises StorageError when the disk is full or not writable; earlier checkpoints stay as they are.
    """
    final = folder / f"step-{checkpoint.step:06d}"
    part = folder / f".{final.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        save_file(checkpoint.parameters, part / "parameters.safetensors")
        save_file(checkpoint.moments, part / "optimizer.safetensors")
        hashes = {file.name: _sha256(file) for file in sorted(part.iterdir())}
        (part / MANIFEST).write_text(json.dumps({"step": checkpoint.step, "sha256": hashes}, indent=2) + "\n")
        for file in part.iterdir():
            _flush(file)
        if final.exists():
            shutil.rmtree(final)
        os.rename(part, final)
        _flush(folder)
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise StorageError(
            f"checkpoint {final} could not be written: {error}",
            expected="room and permission to write there",
            fix="free some space, then: luthier resume RUN (the run goes on from its last whole checkpoint)",
        ) from None
    for old in list_checkpoints(folder)[:-keep]:
        shutil.rmtree(old)
    return final


def list_checkpoints(folder: Path) -> list[Path]:
    """Whole checkpoints, oldest first."""
    return sorted(path for path in folder.glob("step-*") if (path / MANIFEST).is_file())


def load_latest(folder: Path) -> Checkpoint | None:
    """The newest checkpoint whose files match their hashes; None when there is none at all.

    Raises StorageError when checkpoints exist but every one is damaged.
    """
    found = list_checkpoints(folder)
    for path in reversed(found):
        manifest = json.loads((path / MANIFEST).read_text())
        if all(
            (path / name).is_file() and _sha256(path / name) == digest for name, digest in manifest["sha256"].items()
        ):
            return Checkpoint(
                manifest["step"], load_file(path / "parameters.safetensors"), load_file(path / "optimizer.safetensors")
            )
    if found:
        raise StorageError(
            f"all {len(found)} checkpoints in {folder} are damaged",
            expected="files whose SHA-256 matches manifest.json",
            fix="delete the checkpoints folder; the run then starts again from its first step",
        )
    return None


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
