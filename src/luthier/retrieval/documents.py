"""A folder of documents, read: Markdown, plain text and JSON Lines. What is left out is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from luthier.errors import DataError

TEXT_FIELDS = ("text", "content", "body", "passage", "context")
NAME_FIELDS = ("id", "name", "title", "url")
LARGEST_FILE_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Document:
    """``name`` tells it apart: the path within the folder, or what a JSON row calls itself."""

    name: str
    text: str
    is_markdown: bool = False


@dataclass(frozen=True)
class Documents:
    """``notes`` say what was left out, and why."""

    documents: tuple[Document, ...]
    notes: tuple[str, ...] = ()


def read_documents(folder: Path) -> Documents:
    """All .md, .txt and .jsonl files of a folder and the folders in it, hidden ones left out; or one such file.

    A JSON row is one document: its text is in "text" (or content, body, passage, context), its name in "id" (or name,
    title, url). Raises DataError when nothing can be used.
    """
    if not folder.exists():
        raise DataError(
            f"{folder}: there is no such folder", expected="a folder of documents", fix="check evaluation.documents"
        )
    documents: list[Document] = []
    left_out: Counter[str] = Counter()
    for path in _files(folder):
        name = path.name if path == folder else path.relative_to(folder).as_posix()
        for found in _read(path, name):
            if isinstance(found, Document):
                documents.append(found)
            else:
                left_out[found] += 1
    notes = tuple(f"{count:,} {_noun(reason, count)}" for reason, count in sorted(left_out.items()))
    if not documents:
        raise DataError(
            f"{folder}: no document in it" + (f" ({'; '.join(notes)})" if notes else ""),
            expected="files ending in .md, .txt or .jsonl with text in them",
            fix="put the documents there, or name another folder in evaluation.documents",
        )
    return Documents(_with_different_names(documents), notes)


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _read(path: Path, name: str) -> Iterator[Document | str]:
    suffix = path.suffix.lower()
    if suffix not in (".md", ".markdown", ".txt", ".jsonl"):
        yield f"file of another kind ({suffix or 'no ending'}) not read"
        return
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            yield f"file larger than {LARGEST_FILE_BYTES // 2**20} MiB not read"
            return
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        yield "file not read, as it is not UTF-8"
        return
    except OSError as error:
        yield f"file not read ({error.strerror})"
        return
    if suffix == ".jsonl":
        yield from _rows(text, name)
    elif text.strip():
        yield Document(name, text, is_markdown=suffix != ".txt")
    else:
        yield "empty file"


def _rows(text: str, file: str) -> Iterator[Document | str]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
        except (msgspec.DecodeError, ValueError, RecursionError):
            yield "JSON row that cannot be read"
            continue
        found = _first(row, TEXT_FIELDS) if isinstance(row, dict) else None
        if found is None:
            yield f"JSON row without text in any of {', '.join(TEXT_FIELDS)}"
        else:
            yield Document(_first(row, NAME_FIELDS) or f"{file}#{number}", found)


def _first(row: dict[str, object], fields: tuple[str, ...]) -> str | None:
    for field in fields:
        value = row.get(field)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value.strip():
            return value
    return None


def _with_different_names(documents: list[Document]) -> tuple[Document, ...]:
    """A name that comes again gets a number, so that a passage always says where it is from."""
    taken: Counter[str] = Counter()
    renamed = []
    for document in documents:
        taken[document.name] += 1
        count = taken[document.name]
        name = document.name if count == 1 else f"{document.name} ({count})"
        renamed.append(Document(name, document.text, document.is_markdown))
    return tuple(renamed)


def _noun(reason: str, count: int) -> str:
    first, space, rest = reason.partition(" ")
    if first == "JSON":
        return reason if count == 1 else f"JSON rows{rest.removeprefix('row')}"
    if first == "empty":
        return reason if count == 1 else "empty files"
    return reason if count == 1 else f"{first}s{space}{rest}"
