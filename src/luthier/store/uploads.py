"""Uploads: a large file in parts, which becomes a file when it is complete."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, String, Table, select

from luthier.store.kind import Kind
from luthier.store.schema import (
    LONGEST_ID,
    METADATA,
    json_column,
    key_column,
    project_column,
    seconds_column,
    text_column,
)


@dataclass(frozen=True)
class Upload:
    """``status``: pending, completed, cancelled or expired."""

    id: str
    project_id: str
    filename: str
    purpose: str
    mime_type: str
    bytes: int
    created_at: int
    expires_at: int
    expires_after: dict[str, Any] | None = None
    status: str = "pending"
    file_id: str | None = None


@dataclass(frozen=True)
class UploadPart:
    id: str
    project_id: str
    upload_id: str
    bytes: int
    blob: str
    created_at: int


UPLOADS = Kind(
    Table(
        "uploads",
        METADATA,
        key_column(),
        project_column(),
        text_column("filename", 1024, is_required=True),
        text_column("purpose", 64, is_required=True),
        text_column("mime_type", is_required=True),
        Column("bytes", BigInteger, nullable=False),
        seconds_column("created_at", is_required=True),
        seconds_column("expires_at", is_required=True),
        json_column("expires_after"),
        text_column("status", 32, is_required=True),
        text_column("file_id", LONGEST_ID),
    ),
    Upload,
)
PARTS = Kind(
    Table(
        "upload_parts",
        METADATA,
        key_column(),
        project_column(),
        Column("upload_id", String(LONGEST_ID), ForeignKey("uploads.id"), nullable=False, index=True),
        Column("bytes", BigInteger, nullable=False),
        text_column("blob", is_required=True),
        seconds_column("created_at", is_required=True),
    ),
    UploadPart,
)


def part_blob_key(upload_id: str, part_id: str) -> str:
    return f"uploads/{upload_id}/{part_id}"


def create(connection: Connection, upload: Upload) -> Upload:
    return UPLOADS.insert(connection, upload)


def find(connection: Connection, project_id: str, id: str) -> Upload | None:
    return UPLOADS.find(connection, project_id, id)


def add_part(connection: Connection, part: UploadPart) -> UploadPart:
    return PARTS.insert(connection, part)


def parts(connection: Connection, project_id: str, upload_id: str) -> tuple[UploadPart, ...]:
    return PARTS.all(connection, project_id, PARTS.table.c.upload_id == upload_id)


def settle(connection: Connection, project_id: str, id: str, status: str, file_id: str | None = None) -> Upload | None:
    """End a pending upload; None where it is no longer pending, so of two that try one succeeds."""
    table = UPLOADS.table
    rows = table.update().where(*UPLOADS.mine(project_id), table.c.id == id, table.c.status == "pending")
    row = connection.execute(rows.values(status=status, file_id=file_id).returning(table)).first()
    return None if row is None else UPLOADS.make(row)


def abandoned(connection: Connection, limit: int = 100) -> tuple[Upload, ...]:
    """Pending uploads of all projects whose hour is over."""
    table = UPLOADS.table
    late = select(table).where(table.c.status == "pending", table.c.expires_at <= int(time.time()))
    return tuple(map(UPLOADS.make, connection.execute(late.limit(limit))))


def forget_parts(connection: Connection, project_id: str, upload_id: str) -> tuple[UploadPart, ...]:
    """The parts that were there; the caller removes their bytes after the transaction."""
    gone = parts(connection, project_id, upload_id)
    connection.execute(PARTS.table.delete().where(*PARTS.mine(project_id), PARTS.table.c.upload_id == upload_id))
    return gone
