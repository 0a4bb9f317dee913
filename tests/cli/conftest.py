"""A tiny model folder, rows to learn, and luthier called as a user would: arguments in, exit code and words out."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.tickets import ticket_rows, write_rows
from luthier.cli.main import run_verb


@dataclass(frozen=True)
class Outcome:
    """How a call ended."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A verb that owns its process sets up the log. Here the process goes on, and each test's streams are closed."""
    root, ours = logging.getLogger(), logging.getLogger("luthier")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """`call("run", "recipe.yaml")` is what a user types after `luthier`."""

    def call_luthier(*arguments: object) -> Outcome:
        code = run_verb([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call_luthier


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as one downloads them, with a context of 256 tokens."""
    # Torch takes seconds to load, and most tests of this room do without.
    from tiny import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def model_copy(tiny_model: Path, tmp_path: Path) -> Path:
    """The tiny model, to be damaged."""
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


@pytest.fixture
def rows_file(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.jsonl", ticket_rows())


@pytest.fixture
def recipe_file(here: Path, rows_file: Path, tiny_model: Path) -> Path:
    """A recipe for a run of seconds."""
    recipe = {
        "model": {"path": str(tiny_model), "precision": "float32"},
        "data": {"train": rows_file.name},
        "training": {"epochs": 1, "batch_examples": 8, "threads": 1},
        "evaluation": {"arms": ["base", "tuned"], "max_new_tokens": 4, "forgetting": {"size": "off"}},
    }
    file = here / "recipe.yaml"
    file.write_text(json.dumps(recipe), encoding="utf-8")
    return file
