"""The rows of a data file as they are written, before any layout is read into them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from luthier.data.records import read_records
from luthier.errors import DataError


def read_rows(path: Path) -> list[dict[str, Any]]:
    """All rows, in order. Raises DataError, with the line, for the first one that cannot be read."""
    rows = []
    for record in read_records(path):
        if record.refused is not None:
            refused = record.refused
            raise DataError(f"{path}, line {record.line}: {refused.found}", expected=refused.expected, fix=refused.fix)
        rows.append(record.value)
    return rows
