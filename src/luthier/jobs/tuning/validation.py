"""Training files, read line by line: the first thing that is wrong, with the code that the platform uses for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from luthier.data import read_examples
from luthier.errors import DataError
from luthier.jobs.refusals import FileRefused
from luthier.jobs.tuning.rows import CHECKS, RowRefused
from luthier.recipe import DataSettings

Param = Literal["training_file", "validation_file"]
LEAST_EXAMPLES = {"training_file": 10, "validation_file": 1}
MOST_REINFORCEMENT = {"training_file": 50_000, "validation_file": 1_000}
MOST_LINE_BYTES = 64 << 20
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class CheckedFile:
    """``layout``: how `luthier.data` reads it; ``rows`` are hashes, for telling what two files share."""

    examples: int
    layout: Literal["chat", "prompt-completion"]
    rows: frozenset[int]


def check_file(path: Path, method: str, param: Param) -> CheckedFile:
    """Read the whole file; raises FileRefused with what is wrong in the first bad example."""
    shapes: set[bool] = set()
    rows: set[int] = set()
    count = 0
    for number, line in _lines(path, param):
        row = _parsed(line, number, param)
        try:
            CHECKS[method](row)
        except RowRefused as refused:
            code = "invalid_file_format" if refused.is_format else "invalid_training_file"
            raise FileRefused(code, f"Example {number}: {refused.found}.", param) from None
        shapes.add("prompt" in row and "messages" not in row)
        rows.add(hash(json.dumps(row, sort_keys=True)))
        count += 1
    _check_count(count, method, param)
    if method == "supervised" and len(shapes) > 1:
        raise FileRefused("invalid_file_format", "Some rows are chats and some are prompts with completions.", param)
    checked = CheckedFile(count, "prompt-completion" if shapes == {True} else "chat", frozenset(rows))
    if method == "supervised":
        _read_as_training_will(path, checked, param)
    return checked


def shared_rows(training: CheckedFile, validation: CheckedFile) -> int:
    """How many rows the two files have in common."""
    return len(training.rows & validation.rows)


def _lines(path: Path, param: Param) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, numbered as in the file; none is held that is longer than any example may be."""
    with path.open("rb") as file:
        if file.read(2) == GZIP_MAGIC:
            raise FileRefused("invalid_file_format", "The file is compressed; upload it unpacked.", param)
        file.seek(0)
        number = 0
        while line := file.readline(MOST_LINE_BYTES + 1):
            number += 1
            if len(line) > MOST_LINE_BYTES:
                raise FileRefused("invalid_file_format", f"Example {number}: the line is too long.", param)
            if line.strip():
                yield number, line


def _parsed(line: bytes, number: int, param: Param) -> dict[str, Any]:
    text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
    try:
        row = json.loads(text.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        found = "the line is not UTF-8"
    except (ValueError, RecursionError) as error:
        found = f"the line is not valid JSON ({str(error)[:80] or 'nested too deeply'})"
    else:
        if isinstance(row, dict):
            return row
        found = f"the line is {_kind_of(row)}, not an object"
    raise FileRefused("invalid_file_format", f"Example {number}: {found}.", param)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _kind_of(value: Any) -> str:
    return {list: "a list", str: "a string", bool: "true or false", type(None): "null"}.get(type(value), "a number")


def _check_count(count: int, method: str, param: Param) -> None:
    least = LEAST_EXAMPLES[param]
    file = "Training file" if param == "training_file" else "Validation file"
    if count < least:
        message = f"{file} has {count} example(s), but must have at least {least} examples"
        raise FileRefused("invalid_n_examples", message, param)
    most = MOST_REINFORCEMENT[param]
    if method == "reinforcement" and count > most:
        message = f"{file} has {count} example(s), but must have at most {most} examples"
        raise FileRefused("invalid_n_examples", message, param)


def _read_as_training_will(path: Path, checked: CheckedFile, param: Param) -> None:
    """What passed here must not stop the run: the reader of training has the last word."""
    try:
        read_examples(path, DataSettings(train=str(path), format=checked.layout))
    except DataError as error:
        told = error.found.replace(str(path), "the file")
        raise FileRefused("invalid_training_file", f"{told}; expected {error.expected}", param) from None
