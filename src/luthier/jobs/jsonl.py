"""Lines of a JSON Lines file, read from chunks of bytes: a file of any length, never more than one line in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

LONGEST_LINE_BYTES = 16 << 20


class BadLine(Exception):
    """No JSON object; the text says why."""


def numbered_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, numbered from 1 as an editor does. One that is too long comes cut, and is no JSON."""
    number, kept = 1, b""
    for chunk in chunks:
        *whole, rest = (kept + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                yield number, line[:LONGEST_LINE_BYTES]
            number += 1
        # One byte more than allowed shows that it is too long; the others need not be kept.
        kept = rest[: LONGEST_LINE_BYTES + 1]
    if kept.strip():
        yield number, kept[:LONGEST_LINE_BYTES]


def parse_object(line: bytes, is_first: bool = False) -> dict[str, Any]:
    """Raises BadLine."""
    text = line.removeprefix(b"\xef\xbb\xbf") if is_first else line
    try:
        value = json.loads(text, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise BadLine("the line is not UTF-8") from None
    except (ValueError, RecursionError):
        raise BadLine("the line is not valid JSON") from None
    if not isinstance(value, dict):
        raise BadLine("the line is no JSON object")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
