"""Choose how a file is read into raw rows: by its name, and by its content where the name does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from luthier.data.file_content import PARQUET_MAGIC, READABLE, UTF8_BOM
from luthier.data.json_records import read_json_array, read_json_lines
from luthier.data.lines import read_head
from luthier.data.rows import Record
from luthier.data.table_records import read_delimited, read_parquet
from luthier.errors import DataError


def read_records(path: Path) -> Iterator[Record]:
    head = read_head(path)
    if head.startswith(PARQUET_MAGIC):
        if path.suffix.lower() == ".gz":
            raise DataError(
                f"{path}: Parquet inside gzip",
                expected="Parquet as it is (it is compressed already)",
                fix=f"unpack it: gunzip {path.name}",
            )
        return read_parquet(path)
    suffix = Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    match suffix:
        case ".csv":
            return read_delimited(path)
        case ".tsv":
            return read_delimited(path, delimiter="\t")
        case ".parquet" | ".pq":
            raise DataError(
                f"{path}: the name says Parquet, the content does not",
                expected="a Parquet file",
                fix="check how the file was written; rename it if it is JSON Lines or CSV",
            )
    start = head.removeprefix(UTF8_BOM).lstrip()
    if start.startswith(b"["):
        return read_json_array(path)
    if start.startswith(b"{") or suffix in (".jsonl", ".ndjson", ".json"):
        return read_json_lines(path)
    raise DataError(
        f"{path}: neither its name nor its first bytes tell what it is",
        expected=READABLE,
        fix="rename it to end in .jsonl, .json, .csv, .tsv or .parquet",
    )
