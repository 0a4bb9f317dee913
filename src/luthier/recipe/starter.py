"""The recipe that `luthier init` writes: every setting with its sentence, those that matter first switched on."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from luthier.recipe.catalogue import Entry, Section, catalogue
from luthier.recipe.data import Columns
from luthier.recipe.load import dump_yaml

_SWITCHED_ON = (
    "model.path",
    "method.kind",
    "method.rank",
    "objective.kind",
    "training.epochs",
    "training.batch_examples",
    "training.learning_rate",
    "evaluation.arms",
    "evaluation.metrics",
    "run.folder",
)
_ANSWERS_IN_WORDS = {
    "choices": "a small closed set of answers",
    "json": "JSON",
    "text": "free text",
}


@dataclass(frozen=True)
class DetectedData:
    """What was seen in a data file before a recipe for it is written."""

    format: str
    rows: int
    answers: Literal["choices", "json", "text"]
    columns: Mapping[str, str | None] = field(default_factory=dict)


def starter_recipe(data_path: Path | str, detected: DetectedData) -> str:
    """Commented YAML. ``data_path`` is written as given: absolute, or seen from the folder the recipe will lie in."""
    columns = Columns.model_validate(dict(detected.columns)).model_dump(exclude_none=True)
    chosen: dict[str, Any] = {key: _default(key) for key in _SWITCHED_ON}
    chosen |= {"data.train": str(data_path), "data.format": detected.format}
    chosen |= {f"data.columns.{name}": column for name, column in columns.items()}
    parts = [_beginning(data_path, detected)]
    parts += [_section(section, chosen) for section in catalogue().sections if "." not in section.key]
    return "\n".join(parts)


def _beginning(data_path: Path | str, detected: DetectedData) -> str:
    # A file name may hold line breaks and control characters, a YAML comment may not.
    name = "".join(character if character.isprintable() else "?" for character in Path(data_path).name)
    rows = "1 row" if detected.rows == 1 else f"{detected.rows:,} rows"
    text = (
        f"A luthier recipe for {name}: {rows} in the layout {detected.format}, "
        f"whose answers look like {_ANSWERS_IN_WORDS[detected.answers]}. "
        "A line that begins with #, without a space behind it, is a setting at its default: remove the # to change it. "
        "Any setting can be changed for one run, as in --set training.epochs=1."
    )
    return _comment(text, indent=0)


def _section(section: Section, chosen: Mapping[str, Any]) -> str:
    depth = section.key.count(".") * 2
    lines = _comment(section.description, depth) + " " * depth + f"{section.key.rpartition('.')[2]}:\n"
    for entry in catalogue().entries:
        if entry.section == section.key and entry.kind in (None, _default(f"{section.key}.kind")):
            lines += _setting(entry, chosen, depth + 2)
    for below in catalogue().sections:
        if below.key.rpartition(".")[0] == section.key:
            lines += _section(below, chosen)
    return lines


def _setting(entry: Entry, chosen: Mapping[str, Any], indent: int) -> str:
    is_on = entry.key in chosen
    value = chosen[entry.key] if is_on else entry.default
    lines = dump_yaml({entry.name: value}).splitlines()
    mark = "" if is_on else "#"
    written = "".join(f"{' ' * indent}{mark}{line}\n" for line in lines)
    return _comment(entry.description, indent) + written


def _comment(text: str, indent: int) -> str:
    before = " " * indent + "# "
    return textwrap.fill(text, 110, initial_indent=before, subsequent_indent=before, break_on_hyphens=False) + "\n"


def _default(key: str) -> Any:
    entry = catalogue().entry(key)
    return entry.default if entry is not None else None
