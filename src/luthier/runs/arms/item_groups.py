"""Which golden items belong together, kept in the run folder so that a resumed run needs the source no more."""

from __future__ import annotations

import json
from collections.abc import Sequence

from luthier.data import column_of
from luthier.examples import Example
from luthier.runs.folder import RunFolder

GROUPS_FILE = "data/groups.json"


def groups_of_golden(folder: RunFolder, golden: Sequence[Example], column: str | None) -> tuple[str, ...]:
    """One name per item; an item without a value is a group of its own. Empty when no column is named."""
    if column is None:
        return ()
    file = folder.path / GROUPS_FILE
    if not file.is_file():
        named = column_of(golden, column, "evaluation.group_by")
        groups = [f"row {index}" if name is None else name for index, name in enumerate(named)]
        folder.write_text(GROUPS_FILE, json.dumps(groups, ensure_ascii=False))
    return tuple(json.loads(file.read_text(encoding="utf-8")))
