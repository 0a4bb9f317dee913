"""A recipe for verbs that are given a data file instead of one: checked exactly like a recipe in a file."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from luthier.errors import RecipeError

if TYPE_CHECKING:
    from luthier.recipe import Recipe


def recipe_for(data: Path, overrides: Sequence[str], model: str | None = None) -> Recipe:
    """The recipe that holds nothing but ``data`` and what the command line says."""
    from luthier.recipe import load_recipe

    train = os.path.abspath(data)
    with TemporaryDirectory(prefix="luthier-") as folder:
        file = Path(folder) / "recipe.yaml"
        # JSON is YAML, so no file name needs quoting rules of its own.
        file.write_text(json.dumps({"data": {"train": train}}), encoding="utf-8")
        recipe = load_recipe(file, with_model(overrides, model))
    if recipe.data.train != os.path.normpath(train):
        raise RecipeError(
            f"--set data.train={recipe.data.train}, and the data file {data}",
            expected="one file to read",
            fix="remove --set data.train, or name that file in place of the other",
        )
    return recipe


def with_model(overrides: Sequence[str], model: str | None) -> tuple[str, ...]:
    """`--model M` is short for `--set model.path=M`; what was set after it has the last word."""
    return tuple(overrides) if model is None else (f"model.path={json.dumps(model)}", *overrides)
