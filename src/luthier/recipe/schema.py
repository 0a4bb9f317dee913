"""The recipe as others read it: a JSON schema for editors and forms, a page of settings for people."""

from __future__ import annotations

import json
from typing import Any

from luthier.recipe.catalogue import Entry, catalogue
from luthier.recipe.recipe import Recipe

_PAGE_BEGINNING = """# The recipe

A recipe is a YAML file (YAML 1.2: `1e-4` is a number, `no` is a word) that says what a run is asked to do.
`luthier init rows.jsonl` writes a commented one; the only setting without a default is `data.train`.

- One setting for one run: `luthier run recipe.yaml --set training.epochs=1`. The value is YAML.
- Paths in a recipe are seen from the recipe's folder, paths after `--set` from the current folder.
- Unknown keys, wrong types and values that contradict each other are refused, all at once, with their lines.
- YAML anchors, aliases and tags are refused: every setting is written where it is read.
- `luthier recipe schema` prints the JSON schema, for editors and forms.

This page is made from the settings themselves; a test fails when they differ.
"""


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a recipe."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Recipe.model_json_schema()}


def settings_page() -> str:
    """`docs/recipe.md`."""
    return f"{_PAGE_BEGINNING}\n{settings_table()}"


def settings_table() -> str:
    """Markdown: for each section a table of key, type, default and meaning."""
    parts = []
    for section in catalogue().sections:
        if "." in section.key:
            continue
        rows = [_row(entry) for entry in catalogue().entries if entry.key.startswith(f"{section.key}.")]
        heading = f"## `{section.key}`\n\n{section.description}\n"
        parts.append("\n".join([heading, "| key | type | default | meaning |", "| --- | --- | --- | --- |", *rows, ""]))
    return "\n".join(parts)


def _row(entry: Entry) -> str:
    default = "required" if entry.is_required else f"`{json.dumps(entry.default)}`"
    meaning = f"{entry.description} Only with kind `{entry.kind}`." if entry.kind else entry.description
    cells = (f"`{entry.key}`", entry.type_in_words, default, meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
