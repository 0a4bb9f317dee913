"""Keys: shown once, stored as a hash, found by their visible prefix, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Table, or_, select

from luthier.errors import StorageError
from luthier.store.ids import new_id
from luthier.store.kind import Kind
from luthier.store.schema import METADATA, json_column, key_column, project_column, seconds_column, text_column

Scope = Literal["inference", "files", "jobs", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX_LETTERS = 15
# How often the time of last use is written down at most; a write per request would cost more than it tells.
USE_SECONDS = 60
NO_KEY_HASH = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class ApiKey:
    """``limits``: requests_per_minute, tokens_per_minute; a missing one is no limit of this key."""

    id: str
    project_id: str
    name: str
    prefix: str
    hash: str
    scopes: list[Scope]
    created_at: int
    limits: dict[str, int] = field(default_factory=dict)
    expires_at: int | None = None
    revoked_at: int | None = None
    last_used_at: int | None = None

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True)
class NewKey:
    """The only moment at which the whole key exists outside its owner's hands."""

    key: ApiKey
    secret: str


KEYS = Kind(
    Table(
        "keys",
        METADATA,
        key_column(),
        project_column(),
        text_column("name", is_required=True),
        text_column("prefix", 32, is_required=True),
        text_column("hash", 64, is_required=True),
        json_column("scopes"),
        seconds_column("created_at", is_required=True),
        json_column("limits"),
        seconds_column("expires_at"),
        seconds_column("revoked_at"),
        seconds_column("last_used_at"),
    ),
    ApiKey,
)
KEYS.table.c.prefix.index = True


def create(
    connection: Connection,
    project_id: str,
    name: str,
    scopes: Sequence[Scope] = ("inference", "files", "jobs"),
    limits: dict[str, int] | None = None,
    expires_at: int | None = None,
) -> NewKey:
    """A new key of ``project_id``; raises StorageError for a scope that does not exist."""
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise StorageError(f"unknown scope {unknown[0]!r}", expected=f"some of {', '.join(SCOPES)}", fix="correct it")
    secret = f"sk-{secrets.token_hex(24)}"
    now = int(time.time())
    key = ApiKey(
        id=new_id("key_"),
        project_id=project_id,
        name=name,
        prefix=secret[:PREFIX_LETTERS],
        hash=hash_of(secret),
        scopes=list(scopes),
        created_at=now,
        limits=limits or {},
        expires_at=expires_at,
    )
    return NewKey(KEYS.insert(connection, key), secret)


def authenticate(connection: Connection, secret: str) -> ApiKey | None:
    """The living key that ``secret`` is, of whatever project; None for any other text."""
    table, now = KEYS.table, int(time.time())
    if not (secret.isascii() and secret.isprintable()):
        return None
    is_living = table.c.revoked_at.is_(None) & or_(table.c.expires_at.is_(None), table.c.expires_at > now)
    rows = connection.execute(select(table).where(table.c.prefix == secret[:PREFIX_LETTERS], is_living)).all()
    given, found = hash_of(secret), None
    for key in map(KEYS.make, rows):
        if hmac.compare_digest(given, key.hash):
            found = key
    if not rows:
        # As long as for a prefix that exists.
        hmac.compare_digest(given, NO_KEY_HASH)
    return found


def note_use(connection: Connection, key: ApiKey) -> None:
    """Write down that the key was used, once a minute at most."""
    now = int(time.time())
    if key.last_used_at is None or now - key.last_used_at >= USE_SECONDS:
        KEYS.change(connection, key.project_id, key.id, last_used_at=now)


def revoke(connection: Connection, project_id: str, id: str) -> ApiKey | None:
    return KEYS.change(connection, project_id, id, revoked_at=int(time.time()))


def list_all(connection: Connection, project_id: str) -> tuple[ApiKey, ...]:
    return KEYS.all(connection, project_id, order=("created_at", "id"))


def count_living(connection: Connection) -> int:
    """Over all projects: a server without any key may be open only to its own machine."""
    return len(connection.execute(select(KEYS.table.c.id).where(KEYS.table.c.revoked_at.is_(None))).all())


def hash_of(secret: str) -> str:
    """SHA-256 is enough for 192 random bits: there is nothing to guess that a slow hash would protect."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def shown(key: ApiKey) -> dict[str, Any]:
    """What may be shown of a key: never the hash."""
    return {
        "id": key.id,
        "project_id": key.project_id,
        "name": key.name,
        "prefix": key.prefix + "…",
        "scopes": key.scopes,
        "limits": key.limits,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }
