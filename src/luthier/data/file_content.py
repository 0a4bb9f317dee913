"""Recognise what a file really is from its first bytes, and refuse by name what is no text table of rows."""

from __future__ import annotations

import re
from pathlib import Path

from luthier.errors import DataError

HEAD_BYTES = 8192
GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
UTF8_BOM = b"\xef\xbb\xbf"

READABLE = "JSON Lines, a JSON array, CSV, TSV or Parquet (text as UTF-8, plain or gzip-compressed)"

_BINARY_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (
        b"PK\x03\x04",
        "a zip archive (or a file built on one: xlsx, docx, a torch checkpoint)",
        "unpack it, or export the rows: in a spreadsheet, save as CSV UTF-8",
    ),
    (b"BZh", "bzip2-compressed", "unpack it: bunzip2 {name}"),
    (b"\xfd7zXZ\x00", "xz-compressed", "unpack it: xz -d {name}"),
    (b"\x28\xb5\x2f\xfd", "zstandard-compressed", "unpack it: zstd -d {name}"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it"),
    (b"%PDF", "a PDF document", "export the rows as JSON Lines or CSV"),
    (
        b"SQLite format 3\x00",
        "an SQLite database",
        "export a query: sqlite3 -header -csv {name} 'select ...' > rows.csv",
    ),
    (b"ARROW1", "an Arrow file", "write it as Parquet with pyarrow.parquet.write_table"),
    (b"\xd0\xcf\x11\xe0", "an old Office file (xls, doc)", "save it as CSV UTF-8 in the spreadsheet"),
    (b"\x89PNG", "a PNG image", "give the file that holds the rows"),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_HTML = re.compile(rb"\s*<(!doctype\b|html\b|head\b|body\b|!--)", re.IGNORECASE)
_UTF32_BOMS = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


def refuse_other_content(head: bytes, path: Path) -> None:
    """Raise when the (unpacked) beginning of a file shows that it holds neither rows of text nor Parquet."""
    if head.startswith(PARQUET_MAGIC):
        return
    for magic, kind, fix in _BINARY_KINDS:
        if head.startswith(magic):
            raise DataError(f"{path}: this is {kind}", expected=READABLE, fix=fix.format(name=path.name))
    if _PICKLE.match(head):
        raise DataError(
            f"{path}: this is a Python pickle, which could run code when opened, so it is not read",
            expected=READABLE,
            fix="write the rows as JSON Lines, in a place where you trust the pickle",
        )
    if _HTML.match(head.removeprefix(UTF8_BOM)):
        raise DataError(
            f"{path}: this is an HTML page, not data (a download that gave an error or a login page?)",
            expected=READABLE,
            fix="open the file in a browser to see what it is, then download the raw file",
        )
    encoding = _wide_encoding(head)
    if encoding:
        raise wrong_encoding(str(path), path, encoding)
    if b"\x00" in head:
        raise DataError(
            f"{path}: this is a binary file of an unknown kind",
            expected=READABLE,
            fix="give the file that holds the rows",
        )


def wrong_encoding(place: str, path: Path, encoding: str) -> DataError:
    """The error for text that is no UTF-8; ``place`` says where it showed."""
    return DataError(
        f"{place}: the text is {encoding}, not UTF-8",
        expected="text as UTF-8",
        fix=convert_command(path, encoding),
    )


def convert_command(path: Path, encoding: str) -> str:
    """A command that rewrites the file as UTF-8."""
    if path.suffix == ".gz":
        target = Path(path.stem)
        return f"convert it: gunzip -c {path.name} | iconv -f {encoding} -t UTF-8 > {target.stem}-utf8{target.suffix}"
    return f"convert it: iconv -f {encoding} -t UTF-8 {path.name} > {path.stem}-utf8{path.suffix}"


def _wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32 by byte-order mark, or by the zero bytes that ASCII letters have in them."""
    if head.startswith(_UTF32_BOMS):
        return "UTF-32"
    if head.startswith(_UTF16_BOMS):
        return "UTF-16"
    sample = head[: len(head) // 2 * 2]
    if len(sample) < 8:
        return None
    half = len(sample) // 2
    even_zeros, odd_zeros = sample[0::2].count(0), sample[1::2].count(0)
    if odd_zeros > 0.4 * half and even_zeros < 0.1 * half:
        return "UTF-16LE"
    if even_zeros > 0.4 * half and odd_zeros < 0.1 * half:
        return "UTF-16BE"
    return None
