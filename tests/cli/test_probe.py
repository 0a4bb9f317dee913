"""`luthier probe` and what it refuses before anything is loaded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SMALL = (
    "--set", "probe.least_steps=2", "--set", "probe.seeds=1", "--set", "probe.rows=[6,12,20]",
)  # fmt: skip


def test_a_probe_ends_with_the_curve_the_forecasts_and_the_sentence(
    recipe_file: Path, here: Path, call: Callable[..., Any]
):
    outcome = call("probe", recipe_file, *SMALL)
    assert outcome.code == 0, outcome.err
    (folder,) = (here / "runs").iterdir()
    lines = outcome.out.splitlines()
    assert lines[0] == f"probe: runs/{folder.name}" and folder.name.endswith("-probe")
    table = lines.index(next(line for line in lines if line.startswith("training rows ")))
    assert [line.split(",")[0] for line in lines[table + 1 : table + 4]] == ["all", "twice", "five times"]
    result = json.loads((folder / "probe.json").read_text(encoding="utf-8"))
    assert lines[-2] == result["sentence"]
    assert lines[-1] == f"drawn in runs/{folder.name}/curve.svg"
    again = call("resume", f"runs/{folder.name}", "--json")
    assert again.code == 0 and json.loads(again.out.splitlines()[-1]) == result


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--set", "method.kind=full"), "--set method.kind=lora"),
        (("--set", "probe.rows=[5,10]"), "at least three"),
        (("--set", "probe.row=[5,10]"), "probe.rows"),
    ],
)
def test_a_mistake_is_told_and_leaves_no_folder(
    recipe_file: Path, here: Path, call: Callable[..., Any], arguments: tuple[str, ...], found: str
):
    outcome = call("probe", recipe_file, *arguments)
    assert outcome.code == 2 and found in outcome.err
    assert not (here / "runs").exists()


def test_a_probe_that_never_began_leaves_no_folder(recipe_file: Path, here: Path, call: Callable[..., Any]):
    outcome = call("probe", recipe_file, "--set", "probe.rows=[50,100,9000]")
    assert outcome.code == 3 and "training rows" in outcome.err
    assert list((here / "runs").iterdir()) == []
