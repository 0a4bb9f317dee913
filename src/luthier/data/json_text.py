"""Decode JSON that strangers wrote: every way it can be wrong becomes a refusal with the reason."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from luthier.data.rows import RowRefused

MAX_DEPTH = 100

_ONE_OBJECT = "one JSON object per line"


def decode_json(text: bytes | str) -> Any:
    """The decoded value, or ``RowRefused``."""
    try:
        return msgspec.json.decode(text)
    except UnicodeDecodeError as error:
        raise not_utf8(text.encode() if isinstance(text, str) else text) from error
    except RecursionError as error:
        raise too_deep() from error
    except (msgspec.DecodeError, ValueError) as error:
        if isinstance(text, bytes) and not _is_utf8(text):
            raise not_utf8(text) from error
        raise RowRefused(
            f"invalid JSON: {_reason(text, str(error))}", expected=_ONE_OBJECT, fix=_advice(text)
        ) from error


def as_text(value: Any) -> str:
    """A cell as text: strings stay as they are, everything else becomes its JSON."""
    if isinstance(value, str):
        return value
    refuse_deep(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def refuse_deep(value: Any) -> None:
    """Raise when lists and objects nest so deep that later code could run out of stack."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise too_deep()


def too_deep() -> RowRefused:
    return RowRefused(
        f"JSON nested more than {MAX_DEPTH} levels deep", expected="rows of ordinary depth", fix="flatten the row"
    )


def not_utf8(text: bytes) -> RowRefused:
    """Name the byte; text that is no UTF-8 is nearly always Windows-1252 or its subset latin-1."""
    try:
        text.decode("utf-8")
        where = "a character"
    except UnicodeDecodeError as error:
        where = f"byte 0x{text[error.start]:02x} at column {error.start + 1}"
    return RowRefused(
        f"{where} is not UTF-8; the text looks like latin-1 or Windows-1252",
        expected="text as UTF-8",
        fix="convert the file: iconv -f WINDOWS-1252 -t UTF-8 old-file > new-file",
    )


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _reason(text: bytes | str, error: str) -> str:
    start = text[:60] if isinstance(text, str) else text[:60].decode("utf-8", "replace")
    return f"{error.removeprefix('JSON is malformed: ')}, in {start.strip()!r}{'...' if len(text) > 60 else ''}"


def _advice(text: bytes | str) -> str:
    raw = text.encode() if isinstance(text, str) else text
    stripped = raw.strip()
    if stripped in (b"{", b"[") or stripped.endswith(b"{"):
        return "the file looks pretty-printed; put each object on one line: jq -c . old-file > new-file"
    if b"NaN" in raw or b"Infinity" in raw:
        return "JSON has no NaN or Infinity; write null or a number"
    if b"\\ud" in raw.lower():
        return "if the line is whole, half of a surrogate pair (\\ud800 to \\udfff) stands alone; remove it"
    if stripped.startswith(b"{'"):
        return "use double quotes: this looks like a printed Python dict; write it with json.dumps"
    if stripped.startswith(b"{") and stripped.endswith(b"},"):
        return "take the comma off the end of the line, or make the file one JSON array"
    return "mend the line; write rows with a JSON library, never by hand"
