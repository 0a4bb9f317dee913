"""The folder of all runs stands for its newest run."""

import os
from pathlib import Path

import pytest

from luthier.cli.newest_run import newest_run, open_run
from luthier.errors import StorageError


def make_run(folder: Path, seconds: int) -> Path:
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").touch()
    os.utime(folder / "recipe.yaml", (seconds, seconds))
    return folder


def test_the_newest_run_is_the_one_made_last(tmp_path: Path):
    make_run(tmp_path / "runs" / "b", 10)
    newest = make_run(tmp_path / "runs" / "a", 20)
    (tmp_path / "runs" / "z").mkdir()
    assert newest_run(tmp_path / "runs") == newest
    assert open_run(tmp_path / "runs").path == newest


def test_a_run_stands_for_itself(tmp_path: Path):
    run = make_run(tmp_path / "run", 10)
    make_run(run / "data", 20)
    assert newest_run(run) is None
    assert open_run(run).path == run


def test_a_folder_without_runs_is_refused(tmp_path: Path):
    with pytest.raises(StorageError, match="is not a run folder"):
        open_run(tmp_path)
