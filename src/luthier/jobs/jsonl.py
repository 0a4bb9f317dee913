"""Lines of a JSON Lines file, read from chunks of bytes: a file of any length, never more than one line in memory."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

LONGEST_LINE_BYTES = 16 << 20
# As deep as bodies of requests may be.
DEEPEST = 64


class BadLine(Exception):
    """No JSON object; the text says why."""


def numbered_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, numbered from 1 as an editor does. One that is too long comes cut, and is no JSON."""
    number, kept = 1, b""
    for chunk in chunks:
        if len(kept) > LONGEST_LINE_BYTES and b"\n" not in chunk:
            continue
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
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except UnicodeDecodeError:
        raise BadLine("the line is not UTF-8") from None
    except (ValueError, RecursionError):
        raise BadLine("the line is not valid JSON") from None
    if not isinstance(value, dict):
        raise BadLine("the line is no JSON object")
    if _depth(value) > DEEPEST:
        raise BadLine(f"the line is nested more than {DEEPEST} levels deep")
    return value


def _depth(value: Any) -> int:
    """Level by level, since a function that calls itself would run out of stack before the limit is known."""
    depth, level = 0, [value]
    while level:
        depth += 1
        inner = [part for outer in level for part in (outer.values() if isinstance(outer, dict) else outer)]
        level = [part for part in inner if isinstance(part, dict | list)]
    return depth


def _finite(text: str) -> float:
    """Python reads 1e999 as infinity, which no JSON can say again."""
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:20]} is out of range")
    return number


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
