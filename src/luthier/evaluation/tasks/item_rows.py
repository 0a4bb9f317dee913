"""The rows of a file that are to be items: plain JSON objects, at least one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from luthier.data import read_rows
from luthier.errors import DataError


def item_rows(path: Path) -> list[dict[str, Any]]:
    """Raises DataError at the first row that is no JSON object of finite numbers and texts."""
    rows = read_rows(path)
    if not rows:
        raise DataError(f"{path}: no rows in it", expected="at least one item", fix="check how the file was made")
    for number, row in enumerate(rows, start=1):
        try:
            json.dumps(row, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise DataError(
                f"{path}, row {number}: a value that JSON does not know ({error})",
                expected="texts, finite numbers, lists and objects",
                fix="write dates and the like as text",
            ) from None
    return rows
