"""The end of a batch: its outcomes as files, and its last status, in one transaction."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from luthier.jobs.background.station import Held
from luthier.store import Batch, Store, StoredFile, batches, files, new_id, webhooks

PURPOSE = "batch_output"
PORTION = 200


def write_results(held: Held[Batch]) -> None:
    """Each attempt writes under keys of its own: one that lost its lease cannot touch what counts."""
    batch, store = held.record, held.station.store
    for key in store.blobs.keys(_folder(batch)):
        if _attempt(key) < held.lease.attempt:
            store.blobs.remove(key)
    output, errors = _write(held, is_success=True), _write(held, is_success=False)
    with store.database.writing() as connection:
        status = _last_status(held.write(connection))
        for file in (output, errors):
            if file is not None:
                files.create(connection, file)
        batches.forget_outcomes(connection, batch.id)
        held.write(
            connection,
            status=status,
            output_file_id=output.id if output else None,
            error_file_id=errors.id if errors else None,
            **({} if status == "expired" else {f"{status}_at": int(time.time())}),
        )
        webhooks.announce(connection, batch.project_id, f"batch.{status}", batch.id)


def _last_status(batch: Batch) -> str:
    if batch.status == "cancelling":
        return "cancelled"
    return "expired" if batch.expired_at is not None else "completed"


def _write(held: Held[Batch], *, is_success: bool) -> StoredFile | None:
    """None where there is nothing to write."""
    batch, store = held.record, held.station.store
    with store.database.reading() as connection:
        counts = batches.counts(connection, batch.id)
    if counts["completed" if is_success else "failed"] == 0:
        return None
    kind = "output" if is_success else "error"
    key = f"{_folder(batch)}/{held.lease.attempt}-{kind}.jsonl"
    store.blobs.remove(key)
    written = store.blobs.put(key, _lines(held, is_success))
    created_at = int(time.time())
    return StoredFile(
        id=new_id("file-"),
        project_id=batch.project_id,
        filename=f"{batch.id}_{kind}.jsonl",
        purpose=PURPOSE,
        bytes=written.bytes,
        sha256=written.sha256,
        blob=key,
        created_at=created_at,
        expires_at=_expires_at(batch.output_expires_after, created_at),
    )


def _lines(held: Held[Batch], is_success: bool) -> Iterator[bytes]:
    """In the order of the input file."""
    store: Store = held.station.store
    after = -1
    while True:
        held.breathe()
        with store.database.reading() as connection:
            portion = batches.outcomes(connection, held.record.id, after, PORTION)
        if not portion:
            return
        after = portion[-1].line
        lines = [json.dumps(outcome.document) + "\n" for outcome in portion if outcome.is_success == is_success]
        if lines:
            yield "".join(lines).encode()


def _folder(batch: Batch) -> str:
    return f"batches/{batch.id}"


def _attempt(key: str) -> int:
    return int(key.rpartition("/")[2].partition("-")[0])


def _expires_at(asked: dict[str, Any] | None, created_at: int) -> int | None:
    return None if asked is None else created_at + int(asked["seconds"])
