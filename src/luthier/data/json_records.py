"""Raw rows from JSON Lines (streamed) and from a file that is one JSON array."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from luthier.data.json_text import decode_json
from luthier.data.lines import read_lines
from luthier.data.rows import Record, RowRefused
from luthier.errors import DataError

# An array is decoded whole, so it must fit into memory several times over; JSON Lines has no such limit.
MAX_ARRAY_BYTES = 2 * 2**30


def read_json_lines(path: Path) -> Iterator[Record]:
    for number, line in read_lines(path):
        if line.isspace():
            continue
        try:
            value = decode_json(line)
        except RowRefused as refused:
            yield Record(number, None, refused)
        else:
            yield _record(number, value)


def read_json_array(path: Path) -> Iterator[Record]:
    """Rows of an array are numbered from 1; their lines are not known."""
    parts: list[bytes] = []
    total = 0
    for _, line in read_lines(path):
        total += len(line)
        if total > MAX_ARRAY_BYTES:
            raise DataError(
                f"{path}: a JSON array of more than {MAX_ARRAY_BYTES // 2**30} GiB",
                expected="JSON Lines for large files",
                fix=f"put one object on each line: jq -c '.[]' {path.name} > rows.jsonl",
            )
        parts.append(line)
    try:
        array = decode_json(b"".join(parts))
    except RowRefused as refused:
        raise DataError(
            f"{path}: {refused.found}", expected="one JSON array of objects, or JSON Lines", fix=refused.fix
        ) from refused
    for number, value in enumerate(array, start=1):
        yield _record(number, value)


def _record(number: int, value: Any) -> Record:
    if isinstance(value, dict):
        return Record(number, value)
    kind = {list: "an array", str: "a string", type(None): "null", bool: "true or false"}.get(type(value), "a number")
    return Record(
        number,
        None,
        RowRefused(
            f"{kind}, not an object",
            expected="one JSON object per row",
            fix='write each row as an object, for example {"messages": [...]}',
        ),
    )
