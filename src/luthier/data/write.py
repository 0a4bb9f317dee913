"""Write examples as OpenAI chat JSONL, whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from luthier.errors import StorageError
from luthier.examples import Example


def write_examples(path: Path, examples: Iterable[Example]) -> None:
    """A reader sees the old file or the new one, never half of one; folders above it are made."""
    encoder = msgspec.json.Encoder()
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            for example in examples:
                file.write(encoder.encode(example.as_json()) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # Temporary files are private; a data file has the rights that the user's umask gives.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise _storage_error(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def _storage_error(path: Path, error: OSError) -> StorageError:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return StorageError(
                f"{path}: no space left to write it",
                expected="free disk space (or quota)",
                fix="free some space, or write elsewhere: --set run.folder=FOLDER",
            )
        case errno.EACCES | errno.EPERM:
            return StorageError(
                f"{path}: no permission to write there",
                expected="a folder that this user may write",
                fix="change its rights, or write elsewhere: --set run.folder=FOLDER",
            )
        case errno.EROFS:
            return StorageError(
                f"{path}: the disk is read-only",
                expected="a disk that can be written",
                fix="write elsewhere: --set run.folder=FOLDER",
            )
        case _:
            return StorageError(
                f"{path}: cannot be written ({error.strerror or error})",
                expected="a writable path",
                fix="check the path and the disk",
            )
