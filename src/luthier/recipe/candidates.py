"""From a recipe with a sweep to its candidates: one recipe for every combination of the values to try."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from ruamel.yaml.nodes import MappingNode

from luthier.errors import RecipeError
from luthier.recipe.catalogue import catalogue
from luthier.recipe.document import Document, parse_value
from luthier.recipe.method import Lora
from luthier.recipe.mistakes import recipe_error
from luthier.recipe.overrides import apply_overrides, parse_override
from luthier.recipe.recipe import Recipe
from luthier.recipe.suggestion import nearest_key
from luthier.recipe.sweep import SweepSettings

SWEPT_SECTIONS = ("method", "training")
# These change the base, the tokenizer or the process, which all candidates share.
SHARED_SETTINGS = ("method.kind", "method.base_bits", "method.train_tokens", "training.threads")
LORA_SIDE_BY_SIDE = 8
LONGEST_NAME = 60


@dataclass(frozen=True)
class Candidate:
    """``settings`` are the values that make it a candidate, by key; ``recipe`` is ready to be run on its own."""

    name: str
    settings: dict[str, Any]
    recipe: Recipe

    @property
    def slot(self) -> str:
        """Its number as text: slots hold no dots."""
        return self.name.partition("-")[0]

    @property
    def label(self) -> str:
        return ", ".join(f"{short(key)} {in_words(value)}" for key, value in self.settings.items())


def expand(recipe: Recipe) -> tuple[Candidate, ...]:
    """Every combination, the last setting running fastest. Raises RecipeError for what cannot be swept."""
    over = recipe.sweep.over
    for key, values in over.items():
        _check_axis(key, values)
    combinations = [dict(zip(over, values, strict=True)) for values in itertools.product(*over.values())]
    if len(combinations) < 2:
        raise RecipeError(
            "the sweep has nothing to compare",
            expected="at least two values of one setting",
            fix="luthier sweep recipe.yaml --over training.learning_rate=1e-4,3e-4,1e-3",
        )
    if recipe.data.validation is None and recipe.data.validation_fraction == 0:
        raise RecipeError(
            "a sweep without validation rows",
            expected="rows whose loss tells the candidates apart",
            fix="--set data.validation_fraction=0.1, or name a file with data.validation",
        )
    side_by_side(recipe)
    return tuple(_candidate(recipe, number, settings) for number, settings in enumerate(combinations, 1))


def side_by_side(recipe: Recipe) -> int:
    """How many candidates train at once; raises RecipeError where only one can."""
    asked, is_lora = recipe.sweep.side_by_side, isinstance(recipe.method, Lora)
    if asked == "auto":
        return LORA_SIDE_BY_SIDE if is_lora else 1
    if asked > 1 and not is_lora:
        raise RecipeError(
            f"sweep.side_by_side is {asked}, and method.kind is {recipe.method.kind}",
            expected="LoRA, whose adapters share one base, or one candidate after another",
            fix="--set sweep.side_by_side=auto, or --set method.kind=lora",
        )
    return asked


def over_override(texts: Sequence[str]) -> str:
    """`--over a.b=1,2` texts as one change of the setting `sweep.over`, which they replace."""
    over: dict[str, list[Any]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        try:
            found = parse_value(f"[{values}]")
        except ValueError:
            found = []
        if not (equals and key.strip() and found) or key.strip() in over:
            raise RecipeError(
                f"--over {text}",
                expected="--over section.key=value,value,... once for each setting",
                fix="write it like --over training.learning_rate=1e-4,3e-4",
            )
        over[key.strip()] = found
    return f"sweep.over={json.dumps(over)}"


def short(key: str) -> str:
    return key.rpartition(".")[2]


def in_words(value: Any) -> str:
    """A value as one would write it after `--set`."""
    return f"{value:g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)


def _check_axis(key: str, values: list[Any]) -> None:
    section, entry = key.partition(".")[0], catalogue().entry(key)
    if entry is None or section not in SWEPT_SECTIONS or key in SHARED_SETTINGS:
        near = nearest_key(key)
        known = entry is not None
        raise RecipeError(
            f"sweep.over names {key}, " + ("which all candidates share" if known else "which is no setting"),
            expected=f"a setting of {' or '.join(SWEPT_SECTIONS)} (not {', '.join(SHARED_SETTINGS)})",
            fix="run a sweep for each value of it"
            if known
            else f"did you mean {near}?"
            if near
            else "see docs/recipe.md",
        )
    written = [json.dumps(value) for value in values]
    repeated = next((text for text in written if written.count(text) > 1), None)
    if repeated is not None:
        raise RecipeError(
            f"sweep.over lists {key} = {repeated} twice", expected="each value once", fix=f"remove one {repeated}"
        )


def _candidate(recipe: Recipe, number: int, settings: dict[str, Any]) -> Candidate:
    changes = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
    values = {**recipe.model_dump(mode="json"), "sweep": SweepSettings().model_dump(mode="json")}
    values = apply_overrides(values, changes)
    try:
        checked = Recipe.model_validate_json(json.dumps(values))
    except ValidationError as error:
        told = recipe_error(
            error, Document("the recipe", values, MappingNode("", [])), [parse_override(text) for text in changes]
        )
        raise RecipeError(told.found.replace("--set", "sweep.over"), expected=told.expected, fix=told.fix) from None
    words = "-".join(f"{short(key)}-{in_words(value)}" for key, value in settings.items())
    slug = re.sub(r"[^A-Za-z0-9._+]+", "-", words)[:LONGEST_NAME].strip("-.")
    return Candidate(f"{number:02d}-{slug}", settings, checked)
