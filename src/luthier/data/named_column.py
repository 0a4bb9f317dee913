"""One more column of rows that were read already: what belongs to a row but not to its conversation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from luthier.data.records import read_records
from luthier.errors import DataError
from luthier.examples import Example


def column_of(examples: Sequence[Example], column: str, setting: str) -> list[str | None]:
    """The value of ``column`` in the row each example came from; None where that row has none.

    Raises DataError, which names the recipe's ``setting``, when no row has it.
    """
    wanted: dict[str, set[int]] = {}
    for example in examples:
        wanted.setdefault(example.origin.file, set()).add(example.origin.line)
    found: dict[tuple[str, int], str] = {}
    for file, lines in wanted.items():
        for record in read_records(Path(file)):
            value = record.value.get(column) if record.line in lines and isinstance(record.value, dict) else None
            if value is not None and str(value).strip():
                found[file, record.line] = str(value)
    if examples and not found:
        raise DataError(
            f"no row of {', '.join(wanted)} has a column {column!r} with something in it",
            expected=f"the column that {setting} names",
            fix=f"correct the name, or remove {setting}",
        )
    return [found.get((example.origin.file, example.origin.line)) for example in examples]
