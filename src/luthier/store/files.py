"""Files that clients upload and that jobs leave; their bytes lie in the blob store."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Table, func, or_, select

from luthier.store.kind import Kind
from luthier.store.pages import Asked, Page
from luthier.store.schema import METADATA, key_column, listing_index, project_column, seconds_column, text_column


@dataclass(frozen=True)
class StoredFile:
    """``blob`` is the key of the bytes in the blob store; it never holds anything the client wrote."""

    id: str
    project_id: str
    filename: str
    purpose: str
    bytes: int
    sha256: str
    blob: str
    created_at: int
    expires_at: int | None = None
    status: str = "processed"
    status_details: str | None = None
    deleted_at: int | None = None


FILES = Kind(
    Table(
        "files",
        METADATA,
        key_column(),
        project_column(),
        text_column("filename", 1024, is_required=True),
        text_column("purpose", 64, is_required=True),
        Column("bytes", BigInteger, nullable=False),
        text_column("sha256", 64, is_required=True),
        text_column("blob", is_required=True),
        seconds_column("created_at", is_required=True),
        seconds_column("expires_at"),
        text_column("status", 32, is_required=True),
        text_column("status_details", 1024),
        seconds_column("deleted_at"),
        listing_index("files"),
    ),
    StoredFile,
)


def blob_key(id: str) -> str:
    return f"files/{id}"


def create(connection: Connection, file: StoredFile) -> StoredFile:
    return FILES.insert(connection, file)


def find(connection: Connection, project_id: str, id: str) -> StoredFile | None:
    """None for deleted and expired files too."""
    found = FILES.find(connection, project_id, id)
    return found if found is not None and _is_there(found) else None


def find_even_deleted(connection: Connection, project_id: str, id: str) -> StoredFile | None:
    """For a job that was given the file while it was there, as long as its bytes are kept."""
    return FILES.find(connection, project_id, id)


def page(connection: Connection, project_id: str, asked: Asked, purpose: str | None = None) -> Page[StoredFile]:
    table = FILES.table
    only = () if purpose is None else (table.c.purpose == purpose,)
    return FILES.page(connection, project_id, asked, *_living(), *only)


def delete(connection: Connection, project_id: str, id: str) -> bool:
    """Gone for everybody at once; its bytes go when no job needs them (`disposable`)."""
    if find(connection, project_id, id) is None:
        return False
    return FILES.change(connection, project_id, id, deleted_at=int(time.time())) is not None


def disposable(connection: Connection, limit: int = 100) -> tuple[StoredFile, ...]:
    """Deleted or expired files of all projects: candidates for `forget`, once no job needs them."""
    table = FILES.table
    gone = or_(table.c.deleted_at.is_not(None), table.c.expires_at <= int(time.time()))
    return tuple(map(FILES.make, connection.execute(select(table).where(gone).order_by(table.c.id).limit(limit))))


def forget(connection: Connection, project_id: str, id: str) -> bool:
    """Remove the last trace; the caller removes the bytes after the transaction."""
    return FILES.remove(connection, project_id, id)


def bytes_of(connection: Connection, project_id: str) -> int:
    """What the project's living files weigh."""
    table = FILES.table
    total = select(func.coalesce(func.sum(table.c.bytes), 0)).where(*FILES.mine(project_id), *_living())
    return int(connection.execute(total).scalar_one())


def _living() -> tuple[ColumnElement[bool], ...]:
    table = FILES.table
    return table.c.deleted_at.is_(None), or_(table.c.expires_at.is_(None), table.c.expires_at > int(time.time()))


def _is_there(file: StoredFile) -> bool:
    return file.deleted_at is None and (file.expires_at is None or file.expires_at > time.time())
