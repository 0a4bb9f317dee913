"""Raw rows from CSV, TSV and Parquet: each row becomes a dict from column name to cell."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from luthier.data.file_content import wrong_encoding
from luthier.data.lines import MAX_LINE_BYTES, read_lines
from luthier.data.rows import Record, RowRefused
from luthier.errors import DataError

_PARQUET_BATCH_ROWS = 1024


def read_delimited(path: Path, delimiter: str | None = None) -> Iterator[Record]:
    """CSV with a header line; without ``delimiter`` it is the comma, semicolon or tab that the header uses most."""
    # The module's default refuses cells above 128 KiB, which long documents reach.
    csv.field_size_limit(MAX_LINE_BYTES)
    lines = _decoded_lines(path)
    header_line = next(lines)
    delimiter = delimiter or max(",;\t", key=header_line.count)
    columns = _read_header(header_line, delimiter, path)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    end_of_previous = 0
    while True:
        number = end_of_previous + 2
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            refused = RowRefused(
                f"broken CSV: {error}",
                expected=f'cells split by {delimiter!r}, quoted with " where needed',
                fix='write a quote inside a cell as "" and close every quoted cell; a CSV library does both',
            )
            yield Record(number, None, refused)
        else:
            if cells:
                yield _delimited_record(number, columns, cells)
        end_of_previous = reader.line_num


def _delimited_record(number: int, columns: list[str], cells: list[str]) -> Record:
    if len(cells) == len(columns):
        return Record(number, dict(zip(columns, cells, strict=True)))
    return Record(
        number,
        None,
        RowRefused(
            f"{len(cells)} cells",
            expected=f"{len(columns)} cells, as in the header: {', '.join(columns)}",
            fix="put cells that hold the delimiter or a newline in double quotes",
        ),
    )


def _read_header(line: str, delimiter: str, path: Path) -> list[str]:
    try:
        columns = [name.strip() for name in next(csv.reader([line], delimiter=delimiter, strict=True))]
    except (csv.Error, StopIteration) as error:
        raise DataError(
            f"{path}, line 1: the header cannot be read",
            expected="a header line with column names",
            fix="write the column names on the first line",
        ) from error
    if not any(columns):
        raise DataError(
            f"{path}, line 1: no column names",
            expected="a header line with column names",
            fix="write the column names on the first line",
        )
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    if doubled:
        raise DataError(
            f"{path}, line 1: the column {doubled[0]!r} is there twice",
            expected="distinct column names",
            fix="rename one of them",
        )
    return columns


def _decoded_lines(path: Path) -> Iterator[str]:
    for number, line in read_lines(path):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            place = f"{path}, line {number}, byte 0x{line[error.start]:02x} at column {error.start + 1}"
            raise wrong_encoding(place, path, "WINDOWS-1252") from error


def read_parquet(path: Path) -> Iterator[Record]:
    """Rows are numbered from 1."""
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_PARQUET_BATCH_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield Record(number, row)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: damaged Parquet ({str(error).splitlines()[0]})",
            expected="a whole Parquet file",
            fix="write or download the file again",
        ) from error
