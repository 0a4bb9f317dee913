"""Uploads in parts: any number, in any order, in parallel; `complete` says the order and makes the file."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from starlette.requests import Request

from luthier.server.door.access import Asking, Call
from luthier.server.door.bodies import MEGABYTE, BoundedRequest
from luthier.server.door.multipart import Form
from luthier.server.door.receiving import receive_form
from luthier.server.errors import invalid, missing
from luthier.server.records.files import new_file
from luthier.server.wire import files as wire_files
from luthier.server.wire import uploads as wire
from luthier.store import DatabaseUnreachable, StoredFile, Upload, UploadPart, Written, files, new_id, uploads

OPEN_SECONDS = 3600


def create(call: Asking, asked: wire.CreateUpload) -> dict[str, Any]:
    purpose = wire_files.check_purpose(asked.purpose)
    highest = call.state.settings.limits.upload_megabytes * MEGABYTE
    if asked.bytes > highest:
        raise invalid(f"Invalid value for 'bytes': an upload may have at most {highest:,}.", "bytes")
    now = wire_files.now()
    upload = Upload(
        id=new_id("upload_"),
        project_id=call.project_id,
        filename=wire_files.check_name(asked.filename, purpose),
        purpose=purpose,
        mime_type=asked.mime_type,
        bytes=asked.bytes,
        created_at=now,
        expires_at=now + OPEN_SECONDS,
        expires_after=asked.expires_after.model_dump() if asked.expires_after else None,
    )
    wire_files.expires_at(purpose, asked.expires_after, now)
    with call.state.store.database.writing() as connection:
        uploads.create(connection, upload)
        call.note(connection, "upload.create", upload.id, purpose=purpose, bytes=asked.bytes)
        return call.answer_with(connection, wire.upload_object(upload, None))


async def add_part(call: Asking, request: Request, id: str) -> dict[str, Any]:
    limit = call.state.settings.limits.part_megabytes * MEGABYTE
    return await receive_form(BoundedRequest.of(request), "data", limit, partial(_keep_part, call, id, limit))


def _keep_part(call: Call, upload_id: str, limit: int, form: Form) -> dict[str, Any]:
    upload = _open(call, upload_id)
    found = form.file()
    if found is None:
        form.finish()
        raise invalid("Missing required parameter: 'data'.", "data", "missing_required_parameter")
    id, blobs = new_id("part_"), call.state.store.blobs
    written = blobs.put(uploads.part_blob_key(upload.id, id), found[1], limit)
    try:
        form.finish()
        part = UploadPart(id, call.project_id, upload.id, written.bytes, written.key, wire_files.now())
        with call.state.store.database.writing() as connection:
            received = sum(part.bytes for part in uploads.parts(connection, call.project_id, upload.id))
            if received + written.bytes > upload.bytes:
                raise invalid(f"The parts hold more than the {upload.bytes:,} bytes that were announced.", "data")
            _still_open(uploads.find(connection, call.project_id, upload.id), upload_id)
            uploads.add_part(connection, part)
    except DatabaseUnreachable:
        # It may have been written down all the same; if not, the bytes are swept away later.
        raise
    except BaseException:
        blobs.remove(written.key)
        raise
    return wire.part_object(part)


def complete(call: Asking, id: str, asked: wire.CompleteUpload) -> dict[str, Any]:
    """Of two that complete at once one succeeds; what the other wrote is removed."""
    upload = _open(call, id)
    with call.state.store.database.reading() as connection:
        known = {part.id: part for part in uploads.parts(connection, call.project_id, id)}
    parts = _in_order(asked.part_ids, known)
    total = sum(part.bytes for part in parts)
    if total != upload.bytes:
        raise invalid(f"The parts hold {total:,} bytes, and {upload.bytes:,} were announced.", "part_ids")
    file_id = new_id("file-")
    written, md5 = _joined(call, file_id, parts)
    try:
        if asked.md5 is not None and asked.md5.lower() != md5:
            raise invalid("The md5 of the parts is another one.", "md5")
        expiry = wire_files.ExpiresAfter(**upload.expires_after) if upload.expires_after else None
        file = new_file(call, file_id, upload.filename, upload.purpose, expiry, written.bytes, written.sha256)
        with call.state.store.database.writing() as connection:
            settled = uploads.settle(connection, call.project_id, id, "completed", file_id)
            if settled is None:
                raise invalid(f"Upload {id} is no longer open.", "upload_id")
            files.create(connection, file)
            gone = uploads.forget_parts(connection, call.project_id, id)
            call.note(connection, "upload.complete", id, file=file_id)
            answer = call.answer_with(connection, wire.upload_object(settled, file))
    except DatabaseUnreachable:
        raise
    except BaseException:
        call.state.store.blobs.remove(written.key)
        raise
    _remove_parts(call, gone)
    return answer


def cancel(call: Asking, id: str) -> dict[str, Any]:
    _open(call, id)
    with call.state.store.database.writing() as connection:
        settled = uploads.settle(connection, call.project_id, id, "cancelled")
        if settled is None:
            raise invalid(f"Upload {id} is no longer open.", "upload_id")
        gone = uploads.forget_parts(connection, call.project_id, id)
        call.note(connection, "upload.cancel", id)
    _remove_parts(call, gone)
    return wire.upload_object(settled, None)


def retrieve(call: Asking, id: str) -> dict[str, Any]:
    with call.state.store.database.reading() as connection:
        upload = uploads.find(connection, call.project_id, id)
        if upload is None:
            raise missing("Upload", id, "upload_id")
        file: StoredFile | None = files.find(connection, call.project_id, upload.file_id) if upload.file_id else None
    if upload.status == "pending" and upload.expires_at <= wire_files.now():
        upload = dataclasses.replace(upload, status="expired")
    return wire.upload_object(upload, file)


def _open(call: Call, id: str) -> Upload:
    with call.state.store.database.reading() as connection:
        return _still_open(uploads.find(connection, call.project_id, id), id)


def _still_open(upload: Upload | None, id: str) -> Upload:
    if upload is None:
        raise missing("Upload", id, "upload_id")
    if upload.status != "pending":
        raise invalid(f"Upload {id} is {upload.status}.", "upload_id")
    if upload.expires_at <= wire_files.now():
        raise invalid(f"Upload {id} is expired.", "upload_id")
    return upload


def _in_order(part_ids: list[str], known: dict[str, UploadPart]) -> list[UploadPart]:
    for part_id in part_ids:
        if part_id not in known:
            raise invalid("Invalid value for 'part_ids': a part is not of this upload.", "part_ids")
    if len(set(part_ids)) < len(part_ids):
        raise invalid("Invalid value for 'part_ids': a part is named twice.", "part_ids")
    return [known[part_id] for part_id in part_ids]


def _joined(call: Call, file_id: str, parts: list[UploadPart]) -> tuple[Written, str]:
    """All parts as one blob, and its md5 (which only tells a slip on the way, not an attack)."""
    hashed = hashlib.md5(usedforsecurity=False)
    blobs = call.state.store.blobs

    def chunks() -> Iterator[bytes]:
        for part in parts:
            for chunk in blobs.read(part.blob):
                hashed.update(chunk)
                yield chunk

    return blobs.put(files.blob_key(file_id), chunks()), hashed.hexdigest()


def _remove_parts(call: Call, parts: tuple[UploadPart, ...]) -> None:
    for part in parts:
        call.state.store.blobs.remove(part.blob)
