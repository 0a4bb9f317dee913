"""Read a text file line by line as bytes: gzip unpacked as it comes, limits kept, failures told in words."""

from __future__ import annotations

import difflib
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from luthier.data.file_content import GZIP_MAGIC, HEAD_BYTES, READABLE, UTF8_BOM, refuse_other_content
from luthier.errors import DataError

MAX_LINE_BYTES = 64 * 2**20
# Far above any sensible training file; a small archive that unpacks to more is a mistake or an attack.
MAX_FILE_BYTES = 20 * 2**30


def read_head(path: Path) -> bytes:
    """The first bytes, unpacked, of a file that exists and may be read; anything else is refused."""
    if path.is_dir():
        inside = sorted(child.name for child in path.iterdir() if child.is_file())[:5]
        listing = f"; it holds {', '.join(inside)}" if inside else ""
        raise DataError(f"{path} is a folder{listing}", expected="one data file", fix="name the file in the folder")
    with open_unpacked(path) as stream:
        try:
            head = stream.read(HEAD_BYTES)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise _damaged_gzip(path, 0) from error
    if not head:
        raise DataError(f"{path} is empty", expected=READABLE, fix="check how the file was made or downloaded")
    refuse_other_content(head, path)
    return head


def open_unpacked(path: Path) -> BinaryIO:
    """The file's bytes; gzip is recognised by its content, whatever the name says."""
    try:
        stream = path.open("rb")
    except FileNotFoundError as error:
        raise _missing(path) from error
    except PermissionError as error:
        raise DataError(
            f"{path}: no permission to read it",
            expected="a file that this user may read",
            fix=f"ask its owner, or: chmod u+r {path.name}",
        ) from error
    except OSError as error:
        raise DataError(
            f"{path}: cannot be opened ({error.strerror})", expected=READABLE, fix="check the path and the disk"
        ) from error
    if stream.peek(2)[:2] != GZIP_MAGIC:
        return stream
    stream.close()
    return cast(BinaryIO, gzip.open(path, "rb"))


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Line numbers from 1 and lines with their newline; a UTF-8 byte-order mark is taken off."""
    number = 0
    total = 0
    with open_unpacked(path) as stream:
        while True:
            try:
                line = stream.readline(MAX_LINE_BYTES + 1)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise _damaged_gzip(path, number) from error
            except OSError as error:
                raise DataError(
                    f"{path}: reading failed after line {number} ({error.strerror})",
                    expected="a readable file",
                    fix="check the disk or copy the file again",
                ) from error
            if not line:
                return
            number += 1
            total += len(line)
            if len(line) > MAX_LINE_BYTES:
                raise DataError(
                    f"{path}, line {number}: longer than {MAX_LINE_BYTES // 2**20} MiB",
                    expected="one row per line",
                    fix="check that rows end with a newline; if the file is a gzip archive, check what it unpacks to",
                )
            if total > MAX_FILE_BYTES:
                raise DataError(
                    f"{path}: more than {MAX_FILE_BYTES // 2**30} GiB of text",
                    expected="a file of training rows",
                    fix="split the file, or check what it unpacks to",
                )
            yield number, line.removeprefix(UTF8_BOM) if number == 1 else line


def _missing(path: Path) -> DataError:
    siblings = [child.name for child in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, siblings, n=1)
    if near:
        fix = f"did you mean {near[0]}?"
    elif siblings or path.parent.is_dir():
        fix = f"check the name; the folder {path.parent} exists"
    else:
        fix = f"check the path; the folder {path.parent} does not exist either"
    return DataError(f"{path}: there is no such file", expected="a data file", fix=fix)


def _damaged_gzip(path: Path, lines_read: int) -> DataError:
    after = f" after line {lines_read}" if lines_read else ""
    return DataError(
        f"{path}: the gzip data is damaged or cut short{after}",
        expected="a whole gzip file",
        fix=f"download or compress it again; check it with: gzip -t {path.name}",
    )
