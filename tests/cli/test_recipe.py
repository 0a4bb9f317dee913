"""`luthier recipe` as a user sees it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from luthier.recipe import load_recipe


def test_check_prints_the_whole_recipe_which_is_a_recipe(recipe_file: Path, here: Path, call: Callable[..., Any]):
    outcome = call("recipe", "check", recipe_file, "--set", "training.epochs=2")
    assert outcome.code == 0
    (here / "again.yaml").write_text(outcome.out, encoding="utf-8")
    assert load_recipe(here / "again.yaml") == load_recipe(recipe_file, ["training.epochs=2"])


def test_check_refuses_an_unknown_key(recipe_file: Path, call: Callable[..., Any]):
    outcome = call("recipe", "check", recipe_file, "--set", "training.epoch=2")
    assert outcome.code == 2
    assert "fix: did you mean training.epochs?" in outcome.err


def test_schema_is_json(call: Callable[..., Any]):
    assert json.loads(call("recipe", "schema").out)["additionalProperties"] is False


def test_settings_are_a_markdown_table(call: Callable[..., Any]):
    assert "| `training.epochs` | number (greater than 0) | `3.0` |" in call("recipe", "settings").out


def test_without_a_part_there_is_help(call: Callable[..., Any]):
    outcome = call("recipe")
    assert outcome.code == 2 and "settings" in outcome.err
