"""One batch at a time: check its file, ask line by line, write the outcomes into files; after a crash, go on.

The outcome of a line is written down once, in the transaction that renews the lease: nobody who lost the lease adds
to a batch, and no line stands in the files twice.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice, takewhile
from typing import Any

from luthier.errors import StorageError
from luthier.jobs.background.abreast import abreast
from luthier.jobs.background.asking import Ask, Dropped, Patience
from luthier.jobs.background.station import Held, Station, hold_one
from luthier.jobs.batches.files import write_results
from luthier.jobs.batches.lines import BatchLine, Checked, batch_lines, check_lines
from luthier.store import BATCHES, Batch, BlobMissing, LeaseLost, LineOutcome, batches, files, new_id, webhooks

LOG = logging.getLogger("luthier.jobs")
PORTION = 500


def work_on_a_batch(station: Station, ask: Ask) -> bool:
    """False where there is none to work on."""
    held = hold_one(station, BATCHES, BATCHES.table.c.status.in_(batches.WORKABLE))
    if held is None:
        return False
    with contextlib.suppress(LeaseLost):
        try:
            _go_on(held, ask)
        except BlobMissing:
            _refuse(held, [_problem("file_missing", "the input file is gone")])
        except StorageError:
            raise
        except Exception:
            if not held.is_last_attempt:
                raise
            LOG.exception("batch_given_up", extra={"fields": {"batch": held.record.id}})
            _refuse(held, [_problem("server_error", "the server had an error while processing this batch")])
        finally:
            held.let_go()
    return True


def _go_on(held: Held[Batch], ask: Ask) -> None:
    if held.record.status == "validating":
        _check(held)
    if held.record.status in ("in_progress", "cancelling"):
        _answer(held, ask)
    if held.record.status == "finalizing" or (
        held.record.status == "cancelling" and not held.station.stopping.is_set()
    ):
        write_results(held)


def _check(held: Held[Batch]) -> None:
    batch, checked = held.record, Checked(0, None, ())
    for so_far in check_lines(_input(held), batch.endpoint):
        checked = so_far
        if held.breathe().status != "validating" or held.station.stopping.is_set():
            return
    if checked.problems:
        _refuse(held, [asdict(problem) for problem in checked.problems])
        return
    counts = {"total": checked.total, "completed": 0, "failed": 0}
    _advance(held, status="in_progress", in_progress_at=_now(), request_counts=counts, model=checked.model)


def _refuse(held: Held[Batch], problems: list[dict[str, Any]]) -> None:
    with held.station.store.database.writing() as connection:
        held.write(
            connection,
            status="failed",
            failed_at=_now(),
            errors={"object": "list", "data": problems},
            request_counts=held.record.request_counts or {"total": 0, "completed": 0, "failed": 0},
        )
        webhooks.announce(connection, held.record.project_id, "batch.failed", held.record.id)


def _problem(code: str, message: str) -> dict[str, Any]:
    """One that is about no single line."""
    return {"code": code, "line": None, "message": message, "param": None}


def _advance(held: Held[Batch], **values: Any) -> None:
    """To the next status, unless the batch was cancelled meanwhile: a wish is never overwritten."""
    before = held.record.status
    with held.station.store.database.writing() as connection:
        if held.write(connection).status == before:
            held.write(connection, **values)


def _answer(held: Held[Batch], ask: Ask) -> None:
    """Ask what was not asked yet, until the lines are through, the batch is cancelled or expires, or we must stop."""
    batch, station = held.record, held.station
    with station.store.database.reading() as connection:
        done = batches.done_lines(connection, batch.id)
    patience = Patience(ask)
    lines = (line for line in batch_lines(_input(held), batch.endpoint) if line.number not in done)
    # Once halted nothing more is begun; what runs already is still written down.
    left = takewhile(lambda _: not patience.halted.is_set(), lines)
    is_over = _is_over(held)
    try:
        if not is_over:
            for portion in abreast(left, lambda line: _outcome(batch, line, patience), station.at_once, 1.0):
                _record(held, [outcome for outcome in portion if outcome is not None])
                if is_over := _is_over(held):
                    patience.halted.set()
    finally:
        patience.halted.set()
    if station.stopping.is_set() or held.record.status != "in_progress":
        return
    if is_over:
        _expire(held)
    else:
        _advance(held, status="finalizing", finalizing_at=_now())


def _is_over(held: Held[Batch]) -> bool:
    batch = held.breathe()
    has_expired = batch.expires_at is not None and time.time() >= batch.expires_at
    return has_expired or batch.status != "in_progress" or held.station.stopping.is_set()


def _outcome(batch: Batch, line: BatchLine, patience: Patience) -> LineOutcome | None:
    """A line of the output or the error file; None where the work was stopped."""
    try:
        answered = patience(batch.project_id, batch.endpoint, line.body)
    except Dropped:
        return None
    response = {"status_code": answered.status, "request_id": answered.request_id, "body": answered.body}
    return LineOutcome(batch.id, line.number, answered.is_success, _document(line.custom_id, response, None))


def _document(custom_id: str, response: dict[str, Any] | None, error: dict[str, Any] | None) -> dict[str, Any]:
    return {"id": new_id("batch_req_"), "custom_id": custom_id, "response": response, "error": error}


def _record(held: Held[Batch], outcomes: list[LineOutcome]) -> None:
    if not outcomes:
        return
    with held.station.store.database.writing() as connection:
        held.write(connection)
        added = [outcome for outcome in outcomes if batches.record(connection, outcome)]
        usage = held.record.usage
        for outcome in added:
            usage = _more_usage(usage, outcome.document)
        counts = {
            "total": (held.record.request_counts or {}).get("total", 0),
            **batches.counts(connection, held.record.id),
        }
        held.write(connection, request_counts=counts, usage=usage)


def _more_usage(usage: dict[str, Any] | None, document: dict[str, Any]) -> dict[str, Any] | None:
    response = document["response"] or {}
    told = response.get("body", {}).get("usage")
    if not isinstance(told, dict):
        return usage
    read = told.get("prompt_tokens", told.get("input_tokens")) or 0
    wrote = told.get("completion_tokens", told.get("output_tokens")) or 0
    details = told.get("prompt_tokens_details") or told.get("input_tokens_details") or {}
    thought = told.get("completion_tokens_details") or told.get("output_tokens_details") or {}
    before = usage or {}
    return {
        "input_tokens": before.get("input_tokens", 0) + read,
        "input_tokens_details": {
            "cached_tokens": before.get("input_tokens_details", {}).get("cached_tokens", 0)
            + (details.get("cached_tokens") or 0)
        },
        "output_tokens": before.get("output_tokens", 0) + wrote,
        "output_tokens_details": {
            "reasoning_tokens": before.get("output_tokens_details", {}).get("reasoning_tokens", 0)
            + (thought.get("reasoning_tokens") or 0)
        },
        "total_tokens": before.get("total_tokens", 0) + read + wrote,
    }


def _expire(held: Held[Batch]) -> None:
    """Lines that did not run in time are told so in the error file."""
    batch = held.record
    error = {"code": "batch_expired", "message": "This request could not be executed before the batch expired."}
    with held.station.store.database.reading() as connection:
        done = batches.done_lines(connection, batch.id)
    left = (line for line in batch_lines(_input(held), batch.endpoint) if line.number not in done)
    expired = (LineOutcome(batch.id, line.number, False, _document(line.custom_id, None, error)) for line in left)
    while portion := list(islice(expired, PORTION)):
        _record(held, portion)
    _advance(held, status="finalizing", finalizing_at=_now(), expired_at=_now())


def _input(held: Held[Batch]) -> Iterator[bytes]:
    """Of the file as it was when the batch was made, even if it has been deleted since."""
    batch, store = held.record, held.station.store
    with store.database.reading() as connection:
        file = files.find_even_deleted(connection, batch.project_id, batch.input_file_id)
    return store.blobs.read(file.blob if file else files.blob_key(batch.input_file_id))


def _now() -> int:
    return int(time.time())
