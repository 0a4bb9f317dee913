"""The rows of an eval run: given in the request, in a file, or in what the server has stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from luthier.errors import DataError
from luthier.jobs.evals.item_schema import ItemChecker
from luthier.jobs.evals.stored_rows import stored_completion_rows, stored_response_rows
from luthier.jobs.jsonl import BadLine, numbered_lines, parse_object
from luthier.store import Eval, EvalRun, Store, StoredFile, files

MOST_STORED_ROWS = 10_000


class SourceRefused(DataError):
    """The rows of a run cannot be used."""


@dataclass(frozen=True)
class Row:
    """``number`` counts from 0. ``sample`` is an answer that came with the row, as templates see it."""

    number: int
    item: dict[str, Any]
    sample: dict[str, Any] | None = None


def run_rows(store: Store, eval: Eval, run: EvalRun) -> Iterator[Row]:
    """Raises SourceRefused at the first row that cannot be used, BlobMissing where the file's bytes are gone."""
    checker = checker_of(eval)
    for number, (place, item, sample) in enumerate(_found(store, run)):
        problem = checker.problem(item) if checker is not None else None
        if problem is not None:
            raise _refused(f"{place} does not fit the eval's item_schema: {problem}")
        yield Row(number, item, sample)


def given_rows(eval: Eval, content: Iterable[Mapping[str, Any]]) -> None:
    """Rows that come with the request are checked with it; raises SourceRefused."""
    checker = checker_of(eval)
    for number, row in enumerate(content):
        problem = checker.problem(row["item"]) if checker is not None else None
        if problem is not None:
            raise _refused(f"content[{number}].item does not fit the eval's item_schema: {problem}")


def checker_of(eval: Eval) -> ItemChecker | None:
    """None for evals of stored completions, whose items are the server's own."""
    schema = eval.data_source_config.get("item_schema")
    return None if schema is None else ItemChecker(schema)


def _found(store: Store, run: EvalRun) -> Iterator[tuple[str, dict[str, Any], dict[str, Any] | None]]:
    source = run.data_source["source"]
    match source["type"]:
        case "file_content":
            for number, row in enumerate(source["content"]):
                yield f"content[{number}].item", row["item"], row.get("sample")
        case "file_id":
            yield from _file_rows(store, _file(store, run.project_id, source["id"]))
        case "stored_completions":
            for completion in stored_completion_rows(store, run.project_id, source, MOST_STORED_ROWS):
                yield "a stored completion", completion.item, completion.sample
        case "responses":
            for response in stored_response_rows(store, run.project_id, source, MOST_STORED_ROWS):
                yield "a stored response", response.item, response.sample
        case other:
            raise _refused(f"a source of the type {other!r}")


def _file(store: Store, project_id: str, id: str) -> StoredFile:
    with store.database.reading() as connection:
        found = files.find_even_deleted(connection, project_id, id)
    if found is None:
        raise _refused(f"the file {id} is gone")
    return found


def _file_rows(store: Store, file: StoredFile) -> Iterator[tuple[str, dict[str, Any], dict[str, Any] | None]]:
    """`{"item": …, "sample"?: …}` per line; a line without `item`, as of a training file, is the item itself."""
    for number, text in numbered_lines(store.blobs.read(file.blob)):
        try:
            line = parse_object(text, is_first=number == 1)
        except BadLine as problem:
            raise _refused(f"line {number}: {problem}") from None
        item, sample = line.get("item", line), line.get("sample") if "item" in line else None
        if not isinstance(item, dict) or not isinstance(sample, dict | None):
            raise _refused(f"line {number}: item and sample must be JSON objects")
        yield f"line {number}", item, sample


def _refused(found: str) -> SourceRefused:
    return SourceRefused(found, expected="one item per row", fix="correct the rows")
