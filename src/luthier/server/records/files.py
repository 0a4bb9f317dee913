"""Files: kept as they were sent, byte for byte; a result file is read as base64, as the platform serves it."""

from __future__ import annotations

import base64
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from luthier.server.door.access import Asking, Call
from luthier.server.door.bodies import MEGABYTE, BoundedRequest, too_large
from luthier.server.door.multipart import Form
from luthier.server.door.receiving import receive_form
from luthier.server.errors import invalid, missing
from luthier.server.wire import files as wire
from luthier.server.wire.lists import asked_page, list_of
from luthier.store import DatabaseUnreachable, StoredFile, files, new_id

HIGHEST_LIMIT = 10000
FORM = ("file", "purpose", "expires_after[anchor]", "expires_after[seconds]")


async def create(call: Asking, request: Request) -> dict[str, Any]:
    limit = call.state.settings.limits.file_megabytes * MEGABYTE
    return await receive_form(BoundedRequest.of(request), "file", limit, partial(_keep, call, limit))


def _keep(call: Call, limit: int, form: Form) -> dict[str, Any]:
    """The bytes first, then the record: whoever sees the record can read the bytes."""
    found = form.file()
    if found is None:
        form.finish()
        raise invalid("Missing required parameter: 'file'.", "file", "missing_required_parameter")
    given, chunks = found
    id = new_id("file-")
    blobs = call.state.store.blobs
    written = blobs.put(files.blob_key(id), chunks, limit)
    try:
        fields = form.finish()
        purpose = wire.check_purpose(fields.get("purpose"))
        batch_limit = call.state.settings.limits.batch_file_megabytes * MEGABYTE
        if purpose == "batch" and written.bytes > batch_limit:
            raise too_large(batch_limit)
        file = new_file(call, id, given, purpose, wire.expiry_of(fields), written.bytes, written.sha256)
        with call.state.store.database.writing() as connection:
            files.create(connection, file)
            call.note(connection, "file.create", id, purpose=purpose, bytes=written.bytes)
    except DatabaseUnreachable:
        # The record may have been written all the same; if not, the bytes are swept away later.
        raise
    except BaseException:
        blobs.remove(written.key)
        raise
    return wire.file_object(file)


def new_file(
    call: Call, id: str, filename: str, purpose: str, expiry: wire.ExpiresAfter | None, size: int, sha256: str
) -> StoredFile:
    """The record of bytes that lie under `files.blob_key(id)`; raises 400 for a name or size that cannot be."""
    name = wire.check_name(filename, purpose)
    if size == 0:
        raise invalid("The file is empty.", "file", "empty_file")
    created_at = wire.now()
    return StoredFile(
        id=id,
        project_id=call.project_id,
        filename=name,
        purpose=purpose,
        bytes=size,
        sha256=sha256,
        blob=files.blob_key(id),
        created_at=created_at,
        expires_at=wire.expires_at(purpose, expiry, created_at),
    )


def list_all(
    call: Asking,
    purpose: str | None = None,
    limit: int | None = None,
    after: str | None = None,
    order: str | None = None,
) -> dict[str, Any]:
    asked = asked_page(limit, after, order, default_limit=HIGHEST_LIMIT, highest_limit=HIGHEST_LIMIT)
    with call.state.store.database.reading() as connection:
        return list_of(files.page(connection, call.project_id, asked, purpose), wire.file_object)


def retrieve(call: Asking, id: str) -> dict[str, Any]:
    return wire.file_object(_find(call, id))


def content(call: Asking, request: Request, id: str, encoding: Annotated[str | None, Query()] = None) -> Response:
    file = _find(call, id)
    blobs = call.state.store.blobs
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(file.filename, safe='')}",
        "x-content-type-options": "nosniff",
    }
    if file.purpose == wire.FINE_TUNE_RESULTS:
        if encoding == "plain" or "text/csv" in request.headers.get("accept", ""):
            return Response(blobs.content(file.blob), media_type="text/csv", headers=headers)
        return Response(base64.b64encode(blobs.content(file.blob)), media_type="text/plain", headers=headers)
    headers["content-length"] = str(file.bytes)
    return StreamingResponse(blobs.read(file.blob), media_type="application/octet-stream", headers=headers)


def delete(call: Asking, id: str) -> dict[str, Any]:
    """Gone at once for everybody; a job that was given the file keeps its bytes until it is over."""
    with call.state.store.database.writing() as connection:
        if not files.delete(connection, call.project_id, id):
            raise missing("File object", id)
        call.note(connection, "file.delete", id)
    return {"id": id, "object": "file", "deleted": True}


def _find(call: Call, id: str) -> StoredFile:
    with call.state.store.database.reading() as connection:
        found = files.find(connection, call.project_id, id)
    if found is None:
        raise missing("File object", id)
    return found
