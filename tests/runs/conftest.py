"""A run small enough to be told whole in a second or two."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from luthier.recipe import Recipe, load_recipe
from luthier.runs import RunFolder
from tiny import ticket_rows, write_tiny_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def recipe(tmp_path: Path, tiny_model: Path) -> Callable[..., Recipe]:
    """A recipe over 60 rows; ``--set`` arguments change it."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ticket_rows(60)), encoding="utf-8")
    file = tmp_path / "recipe.yaml"
    file.write_text(
        json.dumps(
            {
                "model": {"path": str(tiny_model), "precision": "float32"},
                "data": {"train": str(rows)},
                "training": {"epochs": 2, "batch_examples": 8, "learning_rate": 0.01, "threads": 1},
                "evaluation": {"max_new_tokens": 4, "few_shot_examples": 2, "forgetting": {"size": "off"}},
            }
        ),
        encoding="utf-8",
    )
    return lambda *overrides: load_recipe(file, overrides)


@pytest.fixture
def new_run(tmp_path: Path, recipe: Callable[..., Recipe]) -> Callable[..., RunFolder]:
    return lambda *overrides, name="try": RunFolder.create(tmp_path / "runs", name, recipe(*overrides))
