"""Batches: made, listed, read, cancelled. Background work does the rest."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection

from luthier.server.door.access import Asking, Call
from luthier.server.errors import invalid, missing
from luthier.server.wire import batches as wire
from luthier.server.wire.lists import asked_page, list_of
from luthier.store import Batch, batches, files, new_id

PURPOSE = "batch"
WINDOW_SECONDS = 24 * 3600
CANCELLABLE = ("validating", "in_progress", "finalizing")


def create(call: Asking, asked: wire.CreateBatch) -> dict[str, Any]:
    """What the lines hold is looked at later; a mistake there fails the batch."""
    expiry = asked.output_expires_after
    now = int(time.time())
    with call.state.store.database.writing() as connection:
        file = files.find(connection, call.project_id, asked.input_file_id)
        if file is None:
            raise invalid(f"Invalid 'input_file_id': no such file {asked.input_file_id[:80]}.", "input_file_id")
        if file.purpose != PURPOSE:
            message = f"Invalid 'input_file_id': {file.id} has the purpose '{file.purpose}', not '{PURPOSE}'."
            raise invalid(message, "input_file_id")
        batch = Batch(
            id=new_id("batch_"),
            project_id=call.project_id,
            created_at=now,
            endpoint=asked.endpoint,
            input_file_id=file.id,
            completion_window=asked.completion_window,
            expires_at=now + WINDOW_SECONDS,
            metadata=asked.metadata,
            output_expires_after=expiry.model_dump() if expiry is not None else None,
        )
        batches.create(connection, batch)
        call.note(connection, "batch.create", batch.id, endpoint=asked.endpoint, input_file=file.id)
        return call.answer_with(connection, wire.batch_object(batch))


def list_all(call: Asking, limit: int | None = None, after: str | None = None) -> dict[str, Any]:
    with call.state.store.database.reading() as connection:
        return list_of(batches.page(connection, call.project_id, asked_page(limit, after)), wire.batch_object)


def retrieve(call: Asking, id: str) -> dict[str, Any]:
    with call.state.store.database.reading() as connection:
        return wire.batch_object(_found(call, connection, id))


def cancel(call: Asking, id: str) -> dict[str, Any]:
    """Lines that run already are finished, and what there is stands in the files. Cancelling twice changes nothing."""
    with call.state.store.database.writing() as connection:
        batch: Batch | None = _found(call, connection, id)
        if batch is not None and batch.status in CANCELLABLE:
            now = int(time.time())
            batch = batches.change(connection, call.project_id, id, status="cancelling", cancelling_at=now)
            call.note(connection, "batch.cancel", id)
        if batch is None or batch.status != "cancelling":
            raise invalid(f"Cannot cancel a batch with status '{batch.status if batch else 'gone'}'.", None)
    return wire.batch_object(batch)


def _found(call: Call, connection: Connection, id: str) -> Batch:
    found = batches.find(connection, call.project_id, id)
    if found is None:
        raise missing("batch", id)
    return found
