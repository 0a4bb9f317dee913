"""Settings of `luthier init` stand in the recipe where a reader looks for them."""

from pathlib import Path
from typing import Any

import pytest

from luthier.cli.written_settings import write_settings
from luthier.errors import RecipeError
from luthier.recipe import DetectedData, load_recipe, starter_recipe

STARTER = starter_recipe("/rows.jsonl", DetectedData("chat", 9, "text"))


def loaded(text: str, tmp_path: Path) -> Any:
    file = tmp_path / "recipe.yaml"
    file.write_text(text, encoding="utf-8")
    return load_recipe(file)


def test_a_setting_at_its_default_is_switched_on_at_its_line():
    changed = write_settings(STARTER, {"training": {"seed": 7}})
    differing = [(old, new) for old, new in zip(STARTER.splitlines(), changed.splitlines(), strict=True) if old != new]
    assert differing == [("  #seed: 0", "  seed: 7")]


def test_keys_of_the_same_name_are_told_apart(tmp_path: Path):
    recipe = loaded(write_settings(STARTER, {"data": {"seed": 1}, "evaluation": {"seed": 2}}), tmp_path)
    assert (recipe.data.seed, recipe.training.seed, recipe.evaluation.seed) == (1, 0, 2)


@pytest.mark.parametrize("value", ['a: "b" # c\n  d', "null", "1", "ü"])
def test_any_text_survives(value: str, tmp_path: Path):
    assert loaded(write_settings(STARTER, {"data": {"system_prompt": value}}), tmp_path).data.system_prompt == value


def test_nested_sections_and_mappings_are_written(tmp_path: Path):
    settings = {"data": {"columns": {"prompt": "q"}, "format": "table"}, "model": {"template_arguments": {"a": [1]}}}
    recipe = loaded(write_settings(STARTER, settings), tmp_path)
    assert recipe.data.columns.prompt == "q"
    assert recipe.model.template_arguments == {"a": [1]}


@pytest.mark.parametrize("settings", [{"method": {"kind": "full"}}, {"training": {"speed": 1}}])
def test_what_has_no_line_is_refused(settings: dict[str, Any]):
    with pytest.raises(RecipeError, match="luthier init cannot write it"):
        write_settings(STARTER, settings)
