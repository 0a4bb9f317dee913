"""The base models a server offers: from an id that a client writes to the folder of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from luthier.errors import RecipeError
from luthier.recipe.server import STARTER, ServedModels


@dataclass(frozen=True)
class Base:
    """``id`` is what clients see; ``path`` what `model.path` of a recipe takes: a folder, or `starter`."""

    id: str
    path: str


def served_bases(models: ServedModels) -> dict[str, Base]:
    """All bases by the ids they answer to; an alias of an alias is shown under the last alias (a dated name).

    Raises RecipeError for a folder without a model, and for a name that leads nowhere or in a circle.
    """
    bases = {STARTER: Base(STARTER, STARTER)} if models.starter else {}
    for given in models.folders:
        for folder in _model_folders(Path(given)):
            bases[folder.name] = Base(folder.name, str(folder))
    return bases | {name: _behind(name, models.aliases, bases) for name in models.aliases}


def _behind(name: str, aliases: dict[str, str], bases: dict[str, Base]) -> Base:
    passed: list[str] = []
    while name in aliases and name not in passed:
        passed.append(name)
        name = aliases[name]
    if name in passed:
        raise _wrong(f"models.aliases: {' → '.join([*passed, name])} is a circle", "end it at a model")
    if name == STARTER:
        return Base(passed[-1], STARTER)
    if name in bases:
        return Base(passed[-1], bases[name].path)
    if (Path(name) / "config.json").is_file():
        return Base(passed[-1], str(Path(name).absolute()))
    raise _wrong(f"models.aliases: {passed[-1]} stands for {name!r}, which is no model", "name one of models.folders")


def _model_folders(folder: Path) -> Iterator[Path]:
    if (folder / "config.json").is_file():
        yield folder
        return
    found = sorted(path.parent for path in folder.glob("*/config.json"))
    if not found:
        raise _wrong(f"models.folders: {folder} holds no model", "name a folder with config.json and safetensors")
    yield from found


def _wrong(found: str, fix: str) -> RecipeError:
    return RecipeError(found, expected="`starter`, or folders in Transformers' layout", fix=fix)
