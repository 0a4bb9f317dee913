"""`--set a.b=c`: changes to a recipe for one run, with YAML values."""

from __future__ import annotations

import copy
import os.path
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import RecipeError
from luthier.recipe.catalogue import catalogue
from luthier.recipe.document import parse_value


@dataclass(frozen=True)
class Override:
    """One change; ``text`` is what the user typed after `--set`."""

    path: tuple[str, ...]
    value: Any
    text: str


def apply_overrides(
    values: Mapping[str, Any], overrides: Sequence[str], *, folder: Path | None = None
) -> dict[str, Any]:
    """A copy of ``values`` with each `a.b=c` applied in order; relative paths in them are joined to ``folder``."""
    changed = copy.deepcopy(dict(values))
    for override in map(parse_override, overrides):
        change = nest(override)
        if folder is not None:
            change = resolve_paths(change, folder)
        changed = _merge(changed, change, override.path)
    return changed


def parse_override(text: str, like: str = "training.epochs=1") -> Override:
    """``like`` is an example for those who wrote something else."""
    key, equals, value = text.partition("=")
    path = tuple(name.strip() for name in key.split("."))
    if not equals or not all(path):
        raise RecipeError(f"--set {text}", expected="--set section.key=value", fix=f"write it like --set {like}")
    try:
        return Override(path, parse_value(value), text)
    except ValueError as error:
        raise RecipeError(
            f"--set {text}: the value is not YAML ({error})",
            expected="a YAML value: a number, a word, true, null, [a, list] or {a: mapping}",
            fix=f"""put text in double quotes: --set '{key}="..."'""",
        ) from None


def resolve_paths(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A copy in which every setting that names a file is absolute, seen from ``folder``."""
    resolved = copy.deepcopy(dict(values))
    for entry in catalogue().entries:
        group, value = resolved.get(entry.section), None
        if entry.schema.get("format") == "path" and isinstance(group, dict):
            value = group.get(entry.name)
        if isinstance(group, dict) and isinstance(value, str) and value and value not in entry.schema["words"]:
            group[entry.name] = _absolute(value, folder)
    return resolved


def _absolute(value: str, folder: Path) -> str:
    given = Path(value)
    if value == "~" or value.startswith("~/"):
        given = Path.home() / value[2:]
    # normpath and not resolve(): a link keeps the name under which the user knows it.
    return os.path.normpath(folder.absolute() / given)


def nest(override: Override) -> dict[str, Any]:
    """`a.b=c` as `{a: {b: c}}`."""
    value = override.value
    for name in reversed(override.path):
        value = {name: value}
    return value


def _merge(values: dict[str, Any], change: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Lay ``change`` over ``values`` along ``path``; what lies at its end is replaced, not mixed."""
    name, *rest = path
    if rest:
        below = values.get(name)
        value = _merge(below if isinstance(below, dict) else {}, change[name], tuple(rest))
    else:
        value = change[name]
    return {**values, name: value}
