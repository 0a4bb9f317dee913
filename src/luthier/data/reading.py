"""Read a data file of any layout into examples; every row that cannot be used is told with its line and a fix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from luthier.data.conversation import check_conversation
from luthier.data.detection import DETECTION_ROWS, Parse, choose_layout
from luthier.data.records import read_records
from luthier.data.rows import BadRow, Record, RowRefused, Rows
from luthier.errors import DataError
from luthier.examples import Example, Origin

if TYPE_CHECKING:
    from luthier.recipe import DataSettings

# When a bad row stops the reading, this many first lines are still looked through, to tell one slip from a habit.
SURVEY_LINES = 1000


def read_examples(path: Path, settings: DataSettings) -> Rows:
    file = str(path)
    records = read_records(path)
    first = list(islice(records, DETECTION_ROWS))
    layout, parse = _choose(first, settings, file)
    examples: list[Example] = []
    bad_rows: list[BadRow] = []
    notes: Counter[str] = Counter()
    for result, row_notes in _parse_all(chain(first, records), parse, file):
        if isinstance(result, Example):
            examples.append(result)
            notes.update(row_notes)
        else:
            bad_rows.append(result)
        if bad_rows and settings.on_bad_row == "stop" and result.origin.line >= SURVEY_LINES:
            break
    if bad_rows and (settings.on_bad_row == "stop" or not examples):
        raise _bad_rows_error(bad_rows, has_good_rows=bool(examples), is_stopping=settings.on_bad_row == "stop")
    told = tuple(f"{note} ({count:,} {'row' if count == 1 else 'rows'})" for note, count in notes.most_common())
    return Rows(tuple(examples), layout, file, tuple(bad_rows), told)


def _choose(first: list[Record], settings: DataSettings, file: str) -> tuple[str, Parse]:
    if not first:
        raise DataError(
            f"{file}: no rows in it", expected="at least a few rows", fix="check how the file was made or downloaded"
        )
    usable = [record.value for record in first if record.refused is None]
    if not usable:
        raise _bad_rows_error(
            [_bad_row(record.refused, Origin(file, record.line)) for record in first if record.refused is not None],
            has_good_rows=False,
            is_stopping=True,
        )
    return choose_layout(usable, settings, file)


def _parse_all(
    records: Iterator[Record], parse: Parse, file: str
) -> Iterator[tuple[Example | BadRow, tuple[str, ...]]]:
    for record in records:
        origin = Origin(file, record.line)
        try:
            if record.refused is not None:
                raise record.refused
            conversation = parse(record.value)
            check_conversation(conversation.messages)
        except RowRefused as refused:
            yield _bad_row(refused, origin), ()
        else:
            yield Example(conversation.messages, conversation.tools, origin), conversation.notes


def _bad_row(refused: RowRefused, origin: Origin) -> BadRow:
    return BadRow(origin, refused.found, refused.expected, refused.fix)


def _bad_rows_error(bad_rows: list[BadRow], *, has_good_rows: bool, is_stopping: bool) -> DataError:
    first = bad_rows[0]
    others = [row for row in bad_rows[1:] if row.origin.line <= SURVEY_LINES or not is_stopping]
    found = f"{first.origin}: {first.found}"
    if others:
        scope = f"in the first {SURVEY_LINES:,} lines" if is_stopping else "in the file"
        found += f" (and {len(others):,} more bad {'row' if len(others) == 1 else 'rows'} {scope})"
    if not has_good_rows:
        return DataError(f"{found}; no row can be used", expected=first.expected, fix=first.fix)
    return DataError(
        found, expected=first.expected, fix=f"{first.fix}; or leave bad rows out: --set data.on_bad_row=skip-and-report"
    )
