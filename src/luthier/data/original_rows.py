"""The rows that examples were read from, as their files have them: all keys, whatever the layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luthier.data.records import read_records
from luthier.errors import DataError
from luthier.examples import Example, Origin


def original_rows(examples: Sequence[Example]) -> dict[Origin, Mapping[str, Any]]:
    """By origin. A file that is gone, or a row that is no object any more, has no entry."""
    wanted: dict[str, set[int]] = {}
    for example in examples:
        wanted.setdefault(example.origin.file, set()).add(example.origin.line)
    found: dict[Origin, Mapping[str, Any]] = {}
    for file, lines in wanted.items():
        try:
            records = {r.line: r.value for r in read_records(Path(file)) if r.line in lines}
        except (DataError, OSError):
            continue
        found |= {Origin(file, line): row for line, row in records.items() if isinstance(row, dict)}
    return found
