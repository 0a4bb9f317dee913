"""`docs/server-settings.md`: every setting of the server, made from the settings themselves."""

from __future__ import annotations

import json
from typing import Any

from luthier.recipe.catalogue import type_in_words
from luthier.recipe.server import ServerSettings

_BEGINNING = """# Settings of the server

`luthier serve`, `luthier worker` and `luthier keys` read them from `luthier.yaml` in the current folder, or from the
file that is named. `--set section.key=value` changes one for one call; `--host`, `--port` and `--data` are short for
three of them. Paths in the file are seen from the file's folder. Unknown keys are refused.

This page is made from the settings themselves; a test fails when they differ.
"""


def server_settings_page() -> str:
    schema = ServerSettings.model_json_schema()
    definitions = schema["$defs"]
    plain, sections = [], []
    for name, found in schema["properties"].items():
        if reference := found.get("$ref"):
            group = definitions[reference.rpartition("/")[2]]
            rows = [_row(f"{name}.{key}", below) for key, below in group["properties"].items()]
            sections.append(f"## `{name}`\n\n{group['description']}\n\n{_table(rows)}")
        else:
            plain.append(_row(name, found))
    return "\n".join([_BEGINNING, _table(plain), *sections])


def _table(rows: list[str]) -> str:
    return "\n".join(["| key | type | default | meaning |", "| --- | --- | --- | --- |", *rows, ""])


def _row(key: str, schema: dict[str, Any]) -> str:
    cells = (f"`{key}`", type_in_words(schema), f"`{json.dumps(schema.get('default'))}`", schema["description"])
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
