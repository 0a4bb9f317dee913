"""A checkpoint is whole or not there, whatever happens while it is written; what is damaged is never loaded."""

import contextlib
import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from luthier.errors import StorageError
from luthier.training import Checkpoint, Keeping, Progress, checkpoint, list_checkpoints, load_latest, save_checkpoint
from luthier.training.checkpoint import load_step
from luthier.training.stopping import Measured
from luthier.training.watch import Watch

KEEPING = Keeping(last=2)
FILES = ("parameters.safetensors", "optimizer.safetensors", "progress.json", "manifest.json")


class PowerCut(BaseException):
    """Not an Exception: no handler of ours may see it, as none sees a kill -9."""


def state(step: int, rollbacks: int = 0) -> Checkpoint:
    values = {"w": torch.full((200,), float(step)), "v": torch.arange(7.0)}
    watch = Watch((1.0, 2.5), (0.1, 1 / 3), None, 1, True)
    progress = Progress(step, rollbacks, (Measured(0, 3.0), Measured(step, 2.0)), watch)
    return Checkpoint(progress, values, {"w/exp_avg": torch.ones(200)})


def saved(folder: Path, *steps: int) -> Path:
    for step in steps:
        save_checkpoint(folder, state(step), KEEPING)
    return folder


def names(folder: Path) -> list[str]:
    return [path.name for path in list_checkpoints(folder)]


def test_all_comes_back_as_it_was(tmp_path):
    loaded = load_latest(saved(tmp_path, 3))
    assert loaded is not None and loaded.passed_over == ()
    assert loaded.checkpoint.progress.as_json() == state(3).progress.as_json()
    assert loaded.checkpoint.progress.watch == state(3).progress.watch
    assert torch.equal(loaded.checkpoint.parameters["w"], state(3).parameters["w"])
    assert torch.equal(loaded.checkpoint.moments["w/exp_avg"], torch.ones(200))


def test_an_empty_folder_holds_none(tmp_path):
    assert load_latest(tmp_path) is None
    assert load_latest(tmp_path / "not there") is None
    assert load_latest(saved(tmp_path, 8), at_most=7) is None


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_a_damaged_file_of_any_kind_is_passed_over_and_named(tmp_path, file, damage):
    newest = saved(tmp_path, 2, 4) / "step-000004" / file
    content = newest.read_bytes()
    match damage:
        case "cut":
            newest.write_bytes(content[: len(content) // 2])
        case "flipped":
            newest.write_bytes(content.replace(b"4", b"5") if file.endswith("json") else content[:-1] + b"x")
        case _:
            newest.unlink()
    loaded = load_latest(tmp_path)
    assert loaded is not None and loaded.checkpoint.progress.step == 2
    # Without its manifest a folder is no checkpoint at all.
    assert len(loaded.passed_over) == (0 if (file, damage) == ("manifest.json", "gone") else 1)
    assert all("step-000004 is damaged" in sentence for sentence in loaded.passed_over)


def test_when_all_are_damaged_the_error_says_what_to_do(tmp_path):
    for path in list_checkpoints(saved(tmp_path, 2, 4)):
        (path / "progress.json").write_text("{}")
    with pytest.raises(StorageError, match="all 2 checkpoints") as error:
        load_latest(tmp_path)
    assert "delete the checkpoints folder" in error.value.fix


STAGES: dict[str, tuple[Any, str]] = {
    "files are written": (checkpoint, "save_file"),
    "hashes are taken": (checkpoint, "_sha256"),
    "files are flushed": (checkpoint, "_flush"),
    "folders are renamed": (os, "rename"),
    "folders are removed": (shutil, "rmtree"),
}


def cut_at(call: int, original: Callable[..., Any]) -> Callable[..., Any]:
    """Like ``original``, but the power goes just before it is called for the ``call``-th time."""
    calls = iter(range(call))

    def cut(*args: Any, **kwargs: Any) -> Any:
        if next(calls, None) is None:
            raise PowerCut
        return original(*args, **kwargs)

    return cut


@pytest.mark.parametrize("call", [0, 1, 2])
@pytest.mark.parametrize("stage", STAGES)
def test_a_power_cut_at_any_moment_leaves_whole_checkpoints(tmp_path, monkeypatch, stage, call):
    """Overwriting a step that is there already is the hardest case: it renames and removes as well."""
    owner, name = STAGES[stage]
    saved(tmp_path, 2, 4, 6)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, cut_at(call, getattr(owner, name)))
        with contextlib.suppress(PowerCut):
            save_checkpoint(tmp_path, state(6), KEEPING)
    loaded = load_latest(tmp_path)
    assert loaded is not None and loaded.checkpoint.progress.step in (4, 6) and loaded.passed_over == ()
    saved(tmp_path, 8)
    assert sorted(path.name for path in tmp_path.iterdir()) == names(tmp_path)
    assert names(tmp_path)[-1] == "step-000008"


def test_a_full_disk_is_told_and_keeps_the_earlier_ones(tmp_path):
    saved(tmp_path, 2, 4)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, limits[1]))
    try:
        with pytest.raises(StorageError, match="step-000006 could not be written"):
            save_checkpoint(tmp_path, state(6), KEEPING)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000002", "step-000004"]
    loaded = load_latest(tmp_path)
    assert loaded is not None and loaded.checkpoint.progress.step == 4


def test_the_state_after_a_rollback_is_newer_and_removes_what_it_undid(tmp_path):
    saved(tmp_path, 2, 4, 6)
    save_checkpoint(tmp_path, state(4, rollbacks=1), Keeping(last=9))
    assert names(tmp_path) == ["step-000004-rollback-1"]
    loaded = load_latest(tmp_path)
    assert loaded is not None and loaded.checkpoint.progress.rollbacks == 1


def test_one_step_is_found_by_its_number_unless_it_is_damaged(tmp_path):
    saved(tmp_path, 2, 4)
    found = load_step(tmp_path, 2)
    assert found is not None and found.progress.step == 2
    (tmp_path / "step-000002" / "progress.json").write_text("{}")
    assert load_step(tmp_path, 2) is None and load_step(tmp_path, 3) is None


def test_the_manifest_lists_every_file(tmp_path):
    manifest = json.loads((saved(tmp_path, 2) / "step-000002" / "manifest.json").read_text())
    assert set(manifest["sha256"]) == {path.name for path in (tmp_path / "step-000002").iterdir()} - {"manifest.json"}
