"""From a YAML file and `--set` changes to a checked recipe, and back to YAML."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from luthier.recipe.catalogue import catalogue
from luthier.recipe.document import read_document
from luthier.recipe.mistakes import recipe_error
from luthier.recipe.overrides import apply_overrides, parse_override, resolve_paths
from luthier.recipe.recipe import Recipe


class _Representer(RoundTripRepresenter):
    """Lists on one line, `null` spelt out, and text that other quotes would not bring back in double ones."""

    def represent_any_text(self, text: str) -> Any:
        # YAML folds the line ends of all writing systems into spaces unless they are escaped.
        is_visible = all(letter.isprintable() or letter == "\n" for letter in text)
        return self.represent_str(text) if is_visible else self.represent_scalar("tag:yaml.org,2002:str", text, '"')

    def represent_short_list(self, items: list[Any]) -> Any:
        return self.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True)

    def represent_null(self, _: None) -> Any:
        return self.represent_scalar("tag:yaml.org,2002:null", "null")


_Representer.add_representer(str, _Representer.represent_any_text)
_Representer.add_representer(list, _Representer.represent_short_list)
_Representer.add_representer(type(None), _Representer.represent_null)


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read, change and check a recipe.

    Paths in the file are seen from the file's folder, paths in ``overrides`` from the current folder.
    """
    document = read_document(path)
    values = resolve_paths(_with_sections_open(document.values), path.parent)
    values = _with_sections_open(apply_overrides(values, overrides, folder=Path.cwd()))
    try:
        # As JSON, because there a list is the only sequence and strictness means what a reader of YAML expects.
        return Recipe.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise recipe_error(error, document, [parse_override(text) for text in overrides]) from None


def dump_recipe(recipe: Recipe) -> str:
    """The recipe as YAML with every setting written out; loading it gives the same recipe."""
    return dump_yaml(recipe.model_dump(mode="json"))


def dump_yaml(values: Mapping[str, Any]) -> str:
    """Block YAML in the order given, one line per text however long it is."""
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.width = 2**20
    stream = io.StringIO()
    yaml.dump(dict(values), stream)
    return stream.getvalue()


def _with_sections_open(values: Mapping[str, Any]) -> dict[str, Any]:
    """`training:` with nothing below it (all its lines commented out) means its defaults."""
    opened = dict(values)
    for section in catalogue().sections:
        group, _, name = section.key.rpartition(".")
        holder = opened.get(group) if group else opened
        if isinstance(holder, dict) and name in holder and holder[name] is None:
            holder[name] = {}
    return opened
