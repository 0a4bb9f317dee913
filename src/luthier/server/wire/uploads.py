"""Uploads in parts on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from luthier.server.wire.files import ExpiresAfter, file_object
from luthier.server.wire.model import Wire
from luthier.store import StoredFile, Upload, UploadPart


class CreateUpload(Wire):
    bytes: Annotated[int, Field(ge=1)]
    filename: str
    mime_type: Annotated[str, Field(max_length=255)]
    purpose: str
    expires_after: ExpiresAfter | None = None


class CompleteUpload(Wire):
    part_ids: Annotated[list[str], Field(min_length=1, max_length=10000)]
    md5: str | None = None


def upload_object(upload: Upload, file: StoredFile | None) -> dict[str, Any]:
    return {
        "id": upload.id,
        "object": "upload",
        "bytes": upload.bytes,
        "created_at": upload.created_at,
        "filename": upload.filename,
        "purpose": upload.purpose,
        "status": upload.status,
        "expires_at": upload.expires_at,
        "file": file_object(file) if file is not None else None,
    }


def part_object(part: UploadPart) -> dict[str, Any]:
    return {"id": part.id, "object": "upload.part", "created_at": part.created_at, "upload_id": part.upload_id}
