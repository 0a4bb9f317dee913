"""One spelling for one JSON value, and its hash: what makes two items the same, on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any


def canonical_json(value: Any) -> str:
    """Keys sorted, no spaces, Unicode as it is. 1 and 1.0 stay different: they are different in the file."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def hash_of(value: Any) -> str:
    """SHA-256 of the canonical spelling, in hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


def content_hash(rows: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 over the rows' own hashes in sorted order: the order of rows and keys does not count, repeats do."""
    return hashlib.sha256("\n".join(sorted(hash_of(row) for row in rows)).encode()).hexdigest()
