"""Bytes that must survive, in a local folder or an S3-compatible store. A key holds the whole content or nothing."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, S3Store

from luthier.errors import StorageError

CHUNK_BYTES = 1 << 20
# What is still being written lies here, under a random name, and nobody reads it.
INCOMING = "incoming"
CONTENTS = "contents.json"
KEY = re.compile(r"(?!.*(?:^|/)\.\.?(?:/|$))[A-Za-z0-9._=+-]+(?:/[A-Za-z0-9._=+-]+)*")


class TooLarge(StorageError):
    """More bytes came than are allowed; nothing was kept."""


class BlobMissing(StorageError):
    """There is nothing under this key."""


class BlobExists(StorageError):
    """Something lies under this key already; it stays as it is."""


@dataclass(frozen=True)
class Written:
    key: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Blobs:
    """Keys are ours, like ``files/file-…``: never a name that a client chose. ``folder`` is None unless local."""

    store: Any
    folder: Path | None

    def put(self, key: str, chunks: Iterable[bytes], limit_bytes: int | None = None) -> Written:
        """Write ``chunks`` under a new ``key``, whole or not at all, without holding more than a few of them.

        Raises TooLarge beyond ``limit_bytes``, BlobExists where the key is taken, StorageError where there is no room.
        """
        _check(key)
        part = f"{INCOMING}/{secrets.token_hex(16)}"
        hashed, total = hashlib.sha256(), 0
        try:
            with _told(), obstore.open_writer(self.store, part, buffer_size=5 << 20, max_concurrency=2) as writer:
                for chunk in chunks:
                    total += len(chunk)
                    if limit_bytes is not None and total > limit_bytes:
                        raise TooLarge(
                            f"more than {limit_bytes:,} bytes", expected="a smaller file", fix="split it, or send less"
                        )
                    hashed.update(chunk)
                    writer.write(chunk)
            with _told():
                obstore.rename(self.store, part, key, overwrite=False)
        except AlreadyExistsError:
            raise BlobExists(f"{key} is there already", expected="a new key", fix="choose another") from None
        finally:
            # After a rename there is nothing left to remove, after a failure there is.
            self._discard(part)
        self._flush(key)
        return Written(key, total, hashed.hexdigest())

    def put_file(self, key: str, path: Path) -> Written:
        return self.put(key, _chunks_of(path))

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start`` up to ``end`` (exclusive), in chunks; raises BlobMissing before the first."""
        total = self.size(key)
        stop = total if end is None else min(end, total)

        def chunks() -> Iterator[bytes]:
            with _told():
                for place in range(start, stop, CHUNK_BYTES):
                    yield bytes(obstore.get_range(self.store, key, start=place, end=min(place + CHUNK_BYTES, stop)))

        return chunks()

    def content(self, key: str) -> bytes:
        """For what is known to be small."""
        return b"".join(self.read(key))

    def size(self, key: str) -> int:
        """In bytes; raises BlobMissing."""
        _check(key)
        with _told():
            try:
                return int(obstore.head(self.store, key)["size"])
            except FileNotFoundError:
                raise BlobMissing(f"{key} is not there", expected="a key that was put", fix="put it again") from None

    def exists(self, key: str) -> bool:
        try:
            self.size(key)
        except BlobMissing:
            return False
        return True

    def remove(self, key: str) -> None:
        """Gone afterwards, whether or not it was there."""
        _check(key)
        with _told(), contextlib.suppress(FileNotFoundError):
            obstore.delete(self.store, key)

    def fetch(self, key: str, target: Path) -> None:
        """Copy to a local file, whole or not at all."""
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            with _told():
                target.parent.mkdir(parents=True, exist_ok=True)
            with _told(), part.open("wb") as file:
                file.writelines(self.read(key))
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def put_folder(self, prefix: str, folder: Path) -> None:
        """Put every file of ``folder`` under ``prefix``; the list of contents comes last and makes it whole.

        Putting a folder again, after a crash in the middle, replaces what was there.
        """
        self.remove(f"{prefix}/{CONTENTS}")
        contents: dict[str, dict[str, Any]] = {}
        for path in sorted(file for file in folder.rglob("*") if file.is_file()):
            name = path.relative_to(folder).as_posix()
            self.remove(f"{prefix}/{name}")
            written = self.put_file(f"{prefix}/{name}", path)
            contents[name] = {"bytes": written.bytes, "sha256": written.sha256}
        self.put(f"{prefix}/{CONTENTS}", [json.dumps(contents, sort_keys=True).encode()])

    def has_folder(self, prefix: str) -> bool:
        return self.exists(f"{prefix}/{CONTENTS}")

    def folder_on_disk(self, prefix: str, cache: Path) -> Path:
        """The folder under ``prefix`` as a local one: itself in a local store, else fetched once into ``cache``.

        Raises BlobMissing for a folder that is not whole.
        """
        contents: dict[str, Any] = json.loads(self.content(f"{prefix}/{CONTENTS}"))
        if self.folder is not None:
            return self.folder / prefix
        target = cache / prefix
        for name, known in contents.items():
            file = target / name
            if not file.is_file() or file.stat().st_size != known["bytes"]:
                self.fetch(f"{prefix}/{name}", file)
        return target

    def remove_folder(self, prefix: str) -> None:
        self.remove(f"{prefix}/{CONTENTS}")
        for key in self.keys(prefix):
            self.remove(key)

    def keys(self, prefix: str, older_than_seconds: float = 0.0, since: float = 0.0) -> list[str]:
        """Those written before so many seconds, and after the moment ``since`` (Unix seconds)."""
        latest, earliest = time.time() - older_than_seconds, since
        with _told():
            found = obstore.list(self.store, prefix=prefix).collect()
        written = {entry["path"]: entry["last_modified"].timestamp() for entry in found}
        is_any = not older_than_seconds
        return sorted(key for key, at in written.items() if at >= earliest and (is_any or at < latest))

    def sweep_incoming(self, older_than_seconds: float = 24 * 3600) -> int:
        """Remove what killed writers left behind; returns how many."""
        if self.folder is not None:
            return self._sweep_local(older_than_seconds)
        left = self.keys(INCOMING, older_than_seconds)
        for key in left:
            self.remove(key)
        return len(left)

    def _sweep_local(self, older_than_seconds: float) -> int:
        """Looked for by ourselves: what the local store has half written it calls NAME#1, and lists to nobody."""
        removed = 0
        with _told():
            for path in self._incoming("*"):
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime <= time.time() - older_than_seconds:
                        path.unlink()
                        removed += 1
        return removed

    def _discard(self, part: str) -> None:
        self.remove(part)
        for path in self._incoming(f"{part.rpartition('/')[2]}#*"):
            path.unlink(missing_ok=True)

    def _incoming(self, pattern: str) -> list[Path]:
        return [] if self.folder is None else list((self.folder / INCOMING).glob(pattern))

    def _flush(self, key: str) -> None:
        """A local file is on the disk, not only on its way there, before anybody is told that it is kept."""
        if self.folder is None:
            return
        with _told():
            for path in (self.folder / key, (self.folder / key).parent):
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)


def open_blobs(url: str) -> Blobs:
    """A folder (``/data/blobs`` or ``file:///data/blobs``) or ``s3://bucket/prefix``.

    S3 takes its address and credentials from the environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …), so that no
    secret stands in a settings file.
    """
    if url.startswith("s3://"):
        return Blobs(S3Store.from_url(url), None)
    if "://" in url and not url.startswith("file://"):
        raise StorageError(
            f"a blob store of the kind {url.partition('://')[0]!r}",
            expected="a folder, or s3://bucket/prefix",
            fix="correct blob_url",
        )
    folder = Path(url.removeprefix("file://")).resolve()
    with _told():
        folder.mkdir(parents=True, exist_ok=True)
        return Blobs(LocalStore(prefix=folder), folder)


def _check(key: str) -> None:
    """Keys are made by us; whatever else comes as one must not reach a file."""
    if not KEY.fullmatch(key):
        raise StorageError(
            f"{key[:80]!r} is no key", expected="letters, digits and ._=+- between slashes", fix="use an id of ours"
        )


def _chunks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What the store or the disk refuses is a StorageError; what is missing or taken is for the caller to say."""
    try:
        yield
    except (FileNotFoundError, AlreadyExistsError):
        raise
    except (BaseError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise StorageError(
            f"the blob store refuses: {reason[:300]}",
            expected="a store with room, in which this user may write",
            fix="free some space, or mend its address and rights",
        ) from error
