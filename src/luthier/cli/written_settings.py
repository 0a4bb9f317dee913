"""Settings given to `luthier init`, written into the starter recipe at the lines where they stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from luthier.errors import RecipeError

# A key at some depth, switched on or behind a "#"; a comment has a space behind its "#".
_LINE = re.compile(r"(?P<indent> *)(?P<off>#?)(?P<name>\w+):(?P<value>.*)")


def write_settings(recipe_text: str, settings: Mapping[str, Any]) -> str:
    """The starter recipe with each of ``settings`` (nested like a recipe) at its line, without a "#".

    Raises RecipeError for a setting that has no line, or that decides which other lines there are.
    """
    lines = recipe_text.splitlines()
    places = _places(lines)
    for key, value in _leaves(settings, places):
        if key.endswith(".kind"):
            raise _not_here(key, "the other settings of its section depend on it")
        if key not in places:
            raise _not_here(key, "the starter recipe has no line for it")
        lines[places[key]] = _written(lines[places[key]], value)
    return "\n".join(lines) + "\n"


def _places(lines: list[str]) -> dict[str, int]:
    """Line number of every key, dotted."""
    places: dict[str, int] = {}
    path: list[str] = []
    for number, line in enumerate(lines):
        if match := _LINE.fullmatch(line):
            del path[len(match["indent"]) // 2 :]
            path.append(match["name"])
            places[".".join(path)] = number
    return places


def _leaves(settings: Mapping[str, Any], places: Mapping[str, int], prefix: str = "") -> list[tuple[str, Any]]:
    """Dotted keys with their values; a mapping is a section when lines stand below it."""
    leaves: list[tuple[str, Any]] = []
    for name, value in settings.items():
        key = f"{prefix}{name}"
        is_section = any(place.startswith(f"{key}.") for place in places)
        if is_section and isinstance(value, Mapping):
            leaves += _leaves(value, places, f"{key}.")
        elif not is_section:
            leaves.append((key, value))
    return leaves


def _written(line: str, value: Any) -> str:
    import json

    match = _LINE.fullmatch(line)
    assert match is not None
    # JSON is YAML; on one line it needs no indentation.
    return f"{match['indent']}{match['name']}: {json.dumps(value, ensure_ascii=False)}"


def _not_here(key: str, why: str) -> RecipeError:
    return RecipeError(
        f"--set {key}: luthier init cannot write it ({why})",
        expected="a setting that stands in the starter recipe",
        fix=f"write the recipe without it, then change {key} there",
    )
