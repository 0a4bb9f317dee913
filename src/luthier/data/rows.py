"""What reading a file gives: its examples, the format that was found, and every row that was refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from luthier.examples import Example, Message, Origin


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used, with advice."""

    origin: Origin
    found: str
    expected: str
    fix: str


@dataclass(frozen=True)
class Rows:
    """One file, read. ``notes`` tells what was read but not used, each with its number of rows."""

    examples: tuple[Example, ...]
    format: str
    file: str
    bad_rows: tuple[BadRow, ...] = ()
    notes: tuple[str, ...] = ()


class RowRefused(Exception):
    """Raised while a row is read; becomes a ``BadRow`` once the file and line are known."""

    def __init__(self, found: str, *, expected: str, fix: str):
        super().__init__(found)
        self.found = found
        self.expected = expected
        self.fix = fix


class Record(NamedTuple):
    """One raw row: its line (or row) number from 1, and its value, or why it could not be decoded."""

    line: int
    value: Any
    refused: RowRefused | None = None


class Conversation(NamedTuple):
    """What a layout makes of one row, before the turn order is checked."""

    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
