"""A data file and `--set` alone make a checked recipe."""

from pathlib import Path

import pytest

from luthier.cli.loose_recipe import recipe_for, with_model
from luthier.errors import RecipeError


def test_a_data_file_is_recipe_enough(here: Path):
    recipe = recipe_for(Path("a: b #.jsonl"), ["data.max_tokens=9"])
    assert recipe.data.train == str(here / "a: b #.jsonl")
    assert recipe.data.max_tokens == 9


def test_a_model_is_seen_from_the_current_folder(here: Path):
    assert recipe_for(Path("rows.jsonl"), [], "my model").model.path == str(here / "my model")
    assert recipe_for(Path("rows.jsonl"), [], "starter").model.path == "starter"


def test_a_setting_has_the_last_word_over_the_option():
    assert with_model(["model.path=b"], "a") == ('model.path="a"', "model.path=b")


def test_a_mistake_is_placed_where_it_was_typed():
    with pytest.raises(RecipeError, match=r"--set data\.formt=chat: unknown key"):
        recipe_for(Path("rows.jsonl"), ["data.formt=chat"])


def test_two_data_files_are_refused():
    with pytest.raises(RecipeError, match=r"and the data file rows\.jsonl"):
        recipe_for(Path("rows.jsonl"), ["data.train=other.jsonl"])
