"""Everything needed to go on, in a folder that is either whole or not there.

A checkpoint is written beside its final name, flushed to disk, and renamed; `manifest.json` holds a SHA-256 of each
file, which is checked before anything is loaded. Which checkpoints stay is decided in `keeping.py`.
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from luthier.errors import StorageError
from luthier.training.keeping import Keeping, Place, superfluous
from luthier.training.progress import Progress

MANIFEST = "manifest.json"
PARAMETERS, MOMENTS, PROGRESS = "parameters.safetensors", "optimizer.safetensors", "progress.json"


@dataclass(frozen=True)
class Checkpoint:
    """Where the run stood, the trained parameters and the optimizer's moments, by name."""

    progress: Progress
    parameters: dict[str, torch.Tensor]
    moments: dict[str, torch.Tensor]


@dataclass(frozen=True)
class Loaded:
    """A whole checkpoint, and a sentence for each newer one that had to be passed over."""

    checkpoint: Checkpoint
    passed_over: tuple[str, ...]


def save_checkpoint(folder: Path, checkpoint: Checkpoint, keeping: Keeping) -> Path:
    """Write ``folder/step-000120`` atomically, then remove what ``keeping`` does not ask for.

    Raises StorageError when the disk is full or not writable; earlier checkpoints stay as they are.
    """
    final = folder / Place(checkpoint.progress.rollbacks, checkpoint.progress.step).name
    part = _hidden(final, "new")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # What a killed process left half written or half removed.
        for left in folder.glob(".step-*"):
            shutil.rmtree(left)
        part.mkdir()
        _write(part, checkpoint)
        if final.exists():
            _remove(final)
        os.rename(part, final)
        _flush(folder)
        for place in superfluous(list(_places(folder)), keeping):
            _remove(folder / place.name)
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise StorageError(
            f"checkpoint {final} could not be written: {error}",
            expected="room and permission to write there",
            fix="free some space, then: luthier resume RUN (the run goes on from its last whole checkpoint)",
        ) from None
    return final


def list_checkpoints(folder: Path) -> list[Path]:
    """Whole checkpoints, oldest first."""
    return [folder / place.name for place in sorted(_places(folder))]


def load_latest(folder: Path, at_most: int | None = None) -> Loaded | None:
    """The newest checkpoint (of ``at_most`` so many steps) whose files match their hashes; None if there is none.

    Raises StorageError when checkpoints exist but every one is damaged.
    """
    found = [place for place in sorted(_places(folder), reverse=True) if at_most is None or place.step <= at_most]
    passed_over: list[str] = []
    for place in found:
        read = _read(folder / place.name)
        if isinstance(read, Checkpoint):
            return Loaded(read, tuple(passed_over))
        passed_over.append(f"checkpoint {place.name} is damaged ({read}) and is passed over")
    if found:
        raise StorageError(
            f"all {len(found)} checkpoints in {folder} are damaged; the newest: {passed_over[0]}",
            expected=f"files whose SHA-256 matches {MANIFEST}",
            fix="delete the checkpoints folder; the run then starts again from its first step",
        )
    return None


def load_step(folder: Path, step: int) -> Checkpoint | None:
    """The checkpoint after exactly ``step`` steps; None where it is gone or damaged."""
    for place in sorted(_places(folder), reverse=True):
        if place.step == step and isinstance(read := _read(folder / place.name), Checkpoint):
            return read
    return None


def _places(folder: Path) -> list[Place]:
    named = [Place.from_name(path.name) for path in folder.glob("step-*") if (path / MANIFEST).is_file()]
    return [place for place in named if place is not None]


def _write(part: Path, checkpoint: Checkpoint) -> None:
    save_file(checkpoint.parameters, part / PARAMETERS)
    save_file(checkpoint.moments, part / MOMENTS)
    (part / PROGRESS).write_text(json.dumps(checkpoint.progress.as_json()) + "\n", encoding="utf-8")
    hashes = {name: _sha256(part / name) for name in (PARAMETERS, MOMENTS, PROGRESS)}
    manifest = {"step": checkpoint.progress.step, "sha256": hashes}
    (part / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    for file in part.iterdir():
        _flush(file)
    _flush(part)


def _read(path: Path) -> Checkpoint | str:
    """The checkpoint, or in a few words what is wrong with it."""
    try:
        hashes: dict[str, Any] = json.loads((path / MANIFEST).read_text(encoding="utf-8"))["sha256"]
        for name in (PARAMETERS, MOMENTS, PROGRESS):
            if _sha256(path / name) != hashes[name]:
                return f"{name} does not match its hash"
        progress = Progress.from_json(json.loads((path / PROGRESS).read_text(encoding="utf-8")))
        return Checkpoint(progress, load_file(path / PARAMETERS), load_file(path / MOMENTS))
    except OSError as error:
        return f"{Path(error.filename or path).name} cannot be read: {error.strerror}"
    except (ValueError, KeyError, TypeError):
        return f"{MANIFEST} or {PROGRESS} is not what luthier writes"


def _remove(path: Path) -> None:
    """Out of sight first, so that a checkpoint is never half there under its own name."""
    gone = _hidden(path, "old")
    os.rename(path, gone)
    shutil.rmtree(gone)


def _hidden(path: Path, state: str) -> Path:
    return path.with_name(f".{path.name}.{state}")


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
