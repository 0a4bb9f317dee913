"""`luthier resume` refuses what is no run; going on is tested in test_following.py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_a_folder_without_runs_is_refused(here: Path, call: Callable[..., Any]):
    outcome = call("resume", here)
    assert outcome.code == 6
    assert f"{here} is not a run folder" in outcome.err


def test_a_run_must_be_named(call: Callable[..., Any]):
    outcome = call("resume")
    assert outcome.code == 2 and "example: luthier resume runs" in outcome.err
