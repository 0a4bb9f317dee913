"""Forms with files, read as they come: fields as text, the one file as a stream that nobody holds whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from luthier.server.errors import invalid

LONGEST_FIELD = 64 * 1024
MOST_PARTS = 64
LONGEST_HEAD = 16 * 1024


@dataclass
class Part:
    """``filename`` is None for a plain field. ``data`` is what has come since it was last asked for."""

    name: str
    filename: str | None
    data: bytearray = field(default_factory=bytearray)
    is_whole: bool = False


class Form:
    """Reads a body once, in order. Call `file`, consume its chunks, then read ``fields``: some may stand after it.

    Raises Refused (400) for what is no form, and for a field without end.
    """

    def __init__(self, content_type: str, chunks: Iterator[bytes], file_field: str):
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary or len(boundary) > 256:
            raise invalid("The body must be sent as multipart/form-data.", code=None)
        self.fields: dict[str, str] = {}
        self.chunks = chunks
        self.file_field = file_field
        self.reading: list[Part] = []
        self.head: dict[str, bytes] = {}
        self.head_name = bytearray()
        self.head_value = bytearray()
        self.parts_seen = 0
        self.is_over = False
        self.parser = MultipartParser(boundary, self._callbacks())

    def file(self) -> tuple[str, Iterator[bytes]] | None:
        """The name and the chunks of the file; None where the form has none."""
        while not self.reading or self.reading[0].name != self.file_field or self.reading[0].filename is None:
            self._settle()
            if self.reading and self.reading[0].name == self.file_field and self.reading[0].filename is not None:
                break
            if not self._read_on():
                return None
        part = self.reading[0]
        return part.filename or "", self._chunks_of(part)

    def finish(self) -> dict[str, str]:
        """Read to the end; whatever comes after the file must be fields."""
        while self._read_on():
            self._settle()
        self._settle()
        if not self.is_over:
            raise invalid("The form ends in the middle.", code=None)
        return self.fields

    def _chunks_of(self, part: Part) -> Iterator[bytes]:
        while True:
            if part.data:
                yield bytes(part.data)
                part.data.clear()
            if part.is_whole:
                self.reading.remove(part)
                return
            if not self._read_on():
                raise invalid("The form ends in the middle of the file.", code=None)

    def _read_on(self) -> bool:
        chunk = next(self.chunks, None)
        if chunk is None:
            return False
        try:
            self.parser.write(chunk)
        except FormParserError:
            raise invalid("The form cannot be read.", code=None) from None
        for part in self.reading:
            if part.filename is None and len(part.data) > LONGEST_FIELD:
                raise invalid(f"The field is too long: at most {LONGEST_FIELD} bytes.", part.name[:64])
        return True

    def _settle(self) -> None:
        """Whole fields become text; a second file is refused rather than lost."""
        while self.reading and self.reading[0].is_whole and self.reading[0].filename is None:
            part = self.reading.pop(0)
            self.fields[part.name] = part.data.decode("utf-8", "replace")
        for part in self.reading:
            if part.filename is not None and part.name != self.file_field:
                raise invalid(f"'{part.name[:64]}' is no file of this form.", part.name[:64])
        if sum(part.filename is not None for part in self.reading) > 1:
            raise invalid("One file at a time.", self.file_field)

    def _callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": lambda data, start, end: self._extend(self.head_name, data[start:end]),
            "on_header_value": lambda data, start, end: self._extend(self.head_value, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._name_part,
            "on_part_data": lambda data, start, end: self.reading[-1].data.extend(data[start:end]),
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        self.parts_seen += 1
        if self.parts_seen > MOST_PARTS:
            raise invalid(f"The form has more than {MOST_PARTS} parts.", code=None)
        self.head.clear()

    def _extend(self, text: bytearray, more: bytes) -> None:
        text.extend(more)
        if len(text) > LONGEST_HEAD:
            raise invalid("The form has a header that is too long.", code=None)

    def _end_header(self) -> None:
        self.head[self.head_name.decode("latin-1").lower()] = bytes(self.head_value)
        self.head_name.clear()
        self.head_value.clear()

    def _name_part(self) -> None:
        _, options = parse_options_header(self.head.get("content-disposition", b""))
        filename = options.get(b"filename")
        name = options.get(b"name", b"").decode("utf-8", "replace")
        self.reading.append(Part(name, None if filename is None else filename.decode("utf-8", "replace")))

    def _end_part(self) -> None:
        self.reading[-1].is_whole = True

    def _end(self) -> None:
        self.is_over = True
