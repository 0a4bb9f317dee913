"""Golden sets: items frozen under a hash, with author, date and purpose. A version is never changed, only followed.

A set is a folder; each version is a folder inside it (`v1`, `v2`, ...) with `items.jsonl` and `manifest.json`. The
manifest's own hash covers the items and the manifest of the version before, so that no part of the chain can be
replaced unseen. It is a seal against slips, not a signature: whoever can write the folder can write new hashes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from luthier.errors import DataError, StorageError
from luthier.evaluation.tasks.canonical import canonical_json, content_hash, hash_of
from luthier.evaluation.tasks.item_rows import item_rows

ITEMS_FILE = "items.jsonl"
MANIFEST_FILE = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """What is known of one version. ``hash`` covers all other fields, ``content_hash`` the items."""

    name: str
    version: int
    author: str
    purpose: str
    created: str
    items: int
    content_hash: str
    parent_hash: str | None
    hash: str = ""
    format: int = FORMAT

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def sealed(self) -> Manifest:
        return replace(self, hash=self.own_hash())

    def own_hash(self) -> str:
        return hash_of({name: value for name, value in self.as_json().items() if name != "hash"})


@dataclass(frozen=True)
class GoldenSet:
    """One version of a set, its hashes verified."""

    folder: Path
    manifest: Manifest
    rows: tuple[dict[str, Any], ...]

    @property
    def items_file(self) -> Path:
        return self.folder / ITEMS_FILE

    def facts(self) -> dict[str, Any]:
        """For a report: which items were asked."""
        return {"folder": str(self.folder), **self.manifest.as_json()}


@dataclass(frozen=True)
class Added:
    """A new version, and how many of the given rows were in the set before (or twice among them) and left out."""

    golden: GoldenSet
    new_items: int
    known_items: int


def freeze(rows_file: Path, name: str, author: str, purpose: str, root: Path) -> Added:
    """A new set ``root/name`` whose version 1 holds the rows of ``rows_file``; rows that repeat are left out, counted.

    Raises DataError for rows that cannot be read, StorageError where a set of that name exists.
    """
    _refuse_bad_name(name)
    folder = root / name
    if folder.exists():
        raise StorageError(
            f"{folder} exists already",
            expected="a new name: a frozen set is never changed",
            fix=f"luthier golden add {folder} {rows_file} makes a new version of it",
        )
    distinct, repeats = _distinct(item_rows(rows_file), frozenset())
    return Added(_write(folder, _manifest(name, 1, author, purpose, distinct, None), distinct), len(distinct), repeats)


def add(set_folder: Path, rows_file: Path, author: str, purpose: str) -> Added:
    """A new version that follows the newest one and holds its items and then the new rows."""
    newest = open_golden_set(set_folder)
    known = frozenset(canonical_json(row) for row in newest.rows)
    fresh, repeats = _distinct(item_rows(rows_file), known)
    if not fresh:
        raise DataError(
            f"all {repeats:,} rows of {rows_file} are in version {newest.manifest.version} already",
            expected="at least one new row",
            fix="nothing has to be added",
        )
    rows = (*newest.rows, *fresh)
    before = newest.manifest
    manifest = _manifest(before.name, before.version + 1, author, purpose, rows, before.hash)
    return Added(_write(newest.folder.parent, manifest, rows), len(fresh), repeats)


def is_golden_set(path: Path) -> bool:
    """A set's folder, or that of one version."""
    return path.is_dir() and ((path / MANIFEST_FILE).is_file() or (path / "v1" / MANIFEST_FILE).is_file())


def open_golden_set(path: Path) -> GoldenSet:
    """The version in ``path``, or the newest where ``path`` holds all; raises DataError where a hash does not fit."""
    folder = path if (path / MANIFEST_FILE).is_file() else _newest(path)
    manifest = _read_manifest(folder)
    rows = tuple(item_rows(folder / ITEMS_FILE))
    if manifest.own_hash() != manifest.hash:
        raise _changed(folder, "its manifest was changed after it was frozen")
    if len(rows) != manifest.items or content_hash(rows) != manifest.content_hash:
        raise _changed(folder, "its items were changed after they were frozen")
    return GoldenSet(folder, manifest, rows)


def check_chain(path: Path) -> tuple[GoldenSet, ...]:
    """All versions, oldest first, each verified and following the one before; or the one version that is named."""
    if (path / MANIFEST_FILE).is_file():
        return (open_golden_set(path),)
    newest = int(_newest(path).name[1:])
    sets = [open_golden_set(path / f"v{version}") for version in range(1, newest + 1)]
    for before, after in pairwise(sets):
        if after.manifest.parent_hash != before.manifest.hash:
            raise _changed(after.folder, f"it does not follow {before.folder.name} as it is now")
    return tuple(sets)


def _manifest(
    name: str, version: int, author: str, purpose: str, rows: Sequence[Mapping[str, Any]], parent: str | None
) -> Manifest:
    for what, text in (("author", author), ("purpose", purpose)):
        if not text.strip():
            raise DataError(f"no {what}", expected=f"who answers for the items: --{what} TEXT", fix=f"give --{what}")
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return Manifest(name, version, author, purpose, created, len(rows), content_hash(rows), parent).sealed()


def _write(set_folder: Path, manifest: Manifest, rows: Sequence[Mapping[str, Any]]) -> GoldenSet:
    """The whole version or nothing; its files are read-only."""
    final = set_folder / f"v{manifest.version}"
    part = set_folder / f".v{manifest.version}.part"
    try:
        set_folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        lines = "".join(canonical_json(row) + "\n" for row in rows)
        (part / ITEMS_FILE).write_text(lines, encoding="utf-8")
        (part / MANIFEST_FILE).write_text(json.dumps(manifest.as_json(), indent=2, ensure_ascii=False) + "\n", "utf-8")
        for file in part.iterdir():
            file.chmod(0o444)
        # Renaming onto a version that somebody else has just written fails, because it is not empty.
        os.rename(part, final)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise StorageError(
            f"{final} cannot be written ({error.strerror or error})",
            expected="a folder with room, in which this user may write, and no other writer",
            fix="choose another place, or look at what is there",
        ) from None
    return open_golden_set(final)


def _distinct(rows: Sequence[dict[str, Any]], known: frozenset[str]) -> tuple[tuple[dict[str, Any], ...], int]:
    fresh = {canonical_json(row): row for row in reversed(rows)}
    kept = tuple(row for spelled, row in reversed(fresh.items()) if spelled not in known)
    return kept, len(rows) - len(kept)


def _newest(path: Path) -> Path:
    version = _newest_version(path)
    if not version:
        raise DataError(
            f"{path} is no golden set",
            expected=f"a folder that holds v1/{MANIFEST_FILE}",
            fix="luthier golden freeze ROWS.jsonl --name NAME --author YOU --purpose WHY makes one",
        )
    return path / f"v{version}"


def _newest_version(path: Path) -> int:
    names = [file.parent.name for file in path.glob(f"v*/{MANIFEST_FILE}")]
    return max((int(name[1:]) for name in names if name[1:].isdecimal()), default=0)


def _read_manifest(folder: Path) -> Manifest:
    try:
        document = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        return Manifest(**document)
    except (OSError, ValueError, TypeError) as error:
        raise _changed(folder, f"its manifest cannot be read ({error})") from None


def _changed(folder: Path, what: str) -> DataError:
    return DataError(
        f"{folder}: {what}",
        expected="a golden set as luthier froze it: scores on changed items cannot be compared",
        fix="restore the folder from where it is kept, or freeze the items as a new set",
    )


def _refuse_bad_name(name: str) -> None:
    is_plain = all(c.isalnum() or c in "-_." for c in name)
    if not name or not is_plain or name.startswith(".") or len(name) > 100:
        raise DataError(
            f"{name!r} cannot be the name of a golden set",
            expected="letters, digits, dots and dashes",
            fix="--name support-intents",
        )
