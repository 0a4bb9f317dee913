"""Documents cut into passages: never across a heading, at the ends of sentences, each a slice of its document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from luthier.retrieval.documents import Document
from luthier.retrieval.sentences import Span, sentence_spans

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$|^([^\s#>|`~*+-][^\n]*)\n(=+|-{3,})[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~)[^\n]*\n.*?(?:^\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"[^\n]+")
# List items, table rows and quotes stand for themselves; other lines of a paragraph belong together.
_OWN_LINE = re.compile(r"^\s*([-*+•]\s|\d+[.)]\s|\|)")
_BREAK = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True)
class Chunk:
    """``text`` is the document's ``start:end``; ``heading`` the path of headings above it, "A > B"."""

    document: str
    heading: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class ChunkSize:
    """``measure`` counts a text in the unit of ``most``: tokens, or words where there is no tokenizer.

    ``overlap_sentences`` of the passage before begin the next one, so that what stands at a seam is found whole.
    """

    most: int = 200
    overlap_sentences: int = 1
    measure: Callable[[str], int] = lambda text: len(text.split())


def chunk_documents(documents: Sequence[Document], size: ChunkSize | None = None) -> list[Chunk]:
    """All passages of all documents, in their order."""
    settings = size or ChunkSize()
    return [chunk for document in documents for chunk in chunk_document(document, settings)]


def chunk_document(document: Document, size: ChunkSize) -> Iterator[Chunk]:
    sections = _sections(document.text) if document.is_markdown else [("", 0, len(document.text))]
    for heading, start, end in sections:
        units = [
            part
            for unit in _units(document.text, start, end, document.is_markdown)
            for part in _small_enough(document.text, unit, size)
        ]
        for begin, stop in _packed(document.text, units, size):
            yield Chunk(document.name, heading, document.text[begin:stop], begin, stop)


def _sections(text: str) -> Iterator[tuple[str, int, int]]:
    """Heading path, begin and end of what stands between headings; a `#` within a code fence is none."""
    fences = [match.span() for match in _FENCE.finditer(text)]
    path: list[tuple[int, str]] = []
    begin = 0
    for match in _HEADING.finditer(text):
        if any(start <= match.start() < end for start, end in fences):
            continue
        yield _joined(path), begin, match.start()
        level = len(match[1]) if match[1] else 1 if match[4].startswith("=") else 2
        path = [entry for entry in path if entry[0] < level]
        path.append((level, (match[2] or match[3]).strip()))
        begin = match.end()
    yield _joined(path), begin, len(text)


def _joined(path: Sequence[tuple[int, str]]) -> str:
    return " > ".join(title for _, title in path)


def _units(text: str, start: int, end: int, is_markdown: bool) -> Iterator[Span]:
    """What is kept together if it can be: sentences, list items, table rows, code fences."""
    position = start
    if is_markdown:
        for fence in _FENCE.finditer(text, start, end):
            yield from _prose_units(text, position, fence.start())
            yield fence.start(), len(text[: fence.end()].rstrip())
            position = fence.end()
    yield from _prose_units(text, position, end)


def _prose_units(text: str, start: int, end: int) -> Iterator[Span]:
    for begin, stop in _paragraphs(text, start, end):
        run = begin
        for line in _LINE.finditer(text, begin, stop):
            if _OWN_LINE.match(line[0]):
                yield from sentence_spans(text, run, line.start())
                run = line.start()
        yield from sentence_spans(text, run, stop)


def _paragraphs(text: str, start: int, end: int) -> Iterator[Span]:
    position = start
    for gap in _BREAK.finditer(text, start, end):
        yield position, gap.start()
        position = gap.end()
    yield position, end


def _small_enough(text: str, unit: Span, size: ChunkSize) -> Iterator[Span]:
    """A sentence too long for a passage is halved near a space (anywhere, where there is none) until it fits."""
    begin, end = unit
    if size.measure(text[begin:end]) <= size.most or end - begin < 2:
        yield unit
        return
    middle = (begin + end) // 2
    space = max(text.rfind(" ", begin + 1, middle + 1), text.rfind("\n", begin + 1, middle + 1))
    cut = space if space > begin + (end - begin) // 4 else middle
    rest = cut + 1 if text[cut].isspace() else cut
    yield from _small_enough(text, (begin, cut), size)
    yield from _small_enough(text, (rest, end), size)


def _packed(text: str, units: Sequence[Span], size: ChunkSize) -> Iterator[Span]:
    """As many units as fit, then the next passage, which begins with the last units of the one before."""
    first = 0
    while first < len(units):
        last = first
        while last + 1 < len(units) and size.measure(text[units[first][0] : units[last + 1][1]]) <= size.most:
            last += 1
        yield units[first][0], units[last][1]
        if last + 1 == len(units):
            return
        # An overlap that would leave no room for anything new is left out.
        overlap = min(size.overlap_sentences, last - first)
        while overlap and size.measure(text[units[last + 1 - overlap][0] : units[last + 1][1]]) > size.most:
            overlap -= 1
        first = last + 1 - overlap
