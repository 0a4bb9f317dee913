"""A run that is stopped by the user, by a real signal to a real process, and goes on."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import luthier.runs
from luthier.events import Event
from luthier.recipe import load_recipe
from luthier.runs import RunFolder


def test_ctrl_c_saves_and_says_how_to_go_on(recipe_file: Path, here: Path, call: Callable[..., Any]):
    arguments = ["run", str(recipe_file), "--json", "--set", "training.epochs=15", "--set", "evaluation.arms=[tuned]"]
    process = subprocess.Popen(
        [sys.executable, "-m", "luthier", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "StepFinished":
            process.send_signal(signal.SIGINT)
            break
    err = process.communicate()[1]
    (run,) = (here / "runs").iterdir()
    assert process.returncode == 130
    assert "stopping after this step; press Ctrl-C again to stop at once" in err
    assert f"  fix: luthier resume runs/{run.name}\n" in err
    assert "Traceback" not in err

    resumed = call("resume", f"runs/{run.name}")
    assert resumed.code == 0
    assert "step 60/60" in resumed.out and "before training" not in resumed.out


def test_the_second_ctrl_c_says_how_to_go_on_as_well(
    recipe_file: Path, here: Path, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    def interrupted(folder: RunFolder, wants_stop: Callable[[], bool]) -> Iterator[Event]:
        raise KeyboardInterrupt
        yield

    folder = RunFolder.create(here / "runs", None, load_recipe(recipe_file))
    monkeypatch.setattr(luthier.runs, "finetune", interrupted)
    outcome = call("resume", folder.path)
    assert outcome.code == 130
    assert f"fix: luthier resume {folder.path}" in outcome.err
