"""A run leaves what its licences allow together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from luthier.models import ModelFolder
from luthier.recipe import Recipe
from luthier.runs import RunFolder
from luthier.runs.reports.licence import write_licence


def recipe(**advice: Any) -> Recipe:
    return Recipe.model_validate({"data": {"train": "rows.jsonl"}, "evaluation": {"advice": advice}})


def base(folder: Path, card: str) -> ModelFolder:
    folder.mkdir()
    (folder / "README.md").write_text(card, encoding="utf-8")
    return ModelFolder(folder, {})


def test_it_is_judged_by_the_card_and_by_what_the_recipe_says(tmp_path: Path):
    asked = recipe(data_licence="cc-by-nc-4.0", teacher="openai")
    folder = RunFolder.create(tmp_path / "runs", None, asked)
    assert write_licence(folder, asked, base(tmp_path / "model", "---\nlicense: mit\n---\n")) == "mit"
    found = json.loads((folder.path / "licence.json").read_text(encoding="utf-8"))
    assert [part["licence"] for part in found["components"]] == ["mit", "cc-by-nc-4.0", "openai"]


def test_a_base_that_states_nothing_gives_no_licence_to_the_card(tmp_path: Path):
    folder = RunFolder.create(tmp_path / "runs", None, recipe())
    assert write_licence(folder, recipe(), base(tmp_path / "model", "# A model\n")) is None
