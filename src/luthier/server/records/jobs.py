"""Fine-tuning jobs: created, listed, read, cancelled, paused, resumed. Workers do the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request

from luthier.jobs import AskedJob, add_job, draft_job
from luthier.jobs.tuning import wishes
from luthier.server.door.access import Asking, Call
from luthier.server.errors import Refused, missing
from luthier.server.wire import jobs as wire
from luthier.server.wire.lists import asked_labels, asked_page, list_of
from luthier.store import Job, jobs

HIGHEST_LIMIT = 1000


def create(call: Asking, asked: wire.CreateJob) -> dict[str, Any]:
    """Everything but the contents of the files is checked now; a worker reads those."""
    store = call.state.store
    job = draft_job(store, call.project_id, AskedJob(**asked.model_dump()), call.state.bases)
    with store.database.writing() as connection:
        add_job(connection, job)
        call.note(connection, "job.create", job.id, model=asked.model, training_file=asked.training_file)
        answer = call.answer_with(connection, wire.job_object(job, call.project.organization))
    call.state.on_new_job()
    return answer


def list_all(call: Asking, request: Request, limit: int | None = None, after: str | None = None) -> dict[str, Any]:
    asked = asked_page(limit, after, highest_limit=HIGHEST_LIMIT)
    labels = asked_labels(request.query_params)
    with call.state.store.database.reading() as connection:
        page = jobs.page(connection, call.project_id, asked, labels)
    return list_of(page, lambda job: wire.job_object(job, call.project.organization))


def retrieve(call: Asking, id: str) -> dict[str, Any]:
    with call.state.store.database.reading() as connection:
        return wire.job_object(found_job(call, connection, id), call.project.organization)


def cancel(call: Asking, id: str) -> dict[str, Any]:
    return _wished(call, id, "job.cancel", wishes.cancel)


def pause(call: Asking, id: str) -> dict[str, Any]:
    return _wished(call, id, "job.pause", wishes.pause)


def resume(call: Asking, id: str) -> dict[str, Any]:
    return _wished(call, id, "job.resume", wishes.resume)


def found_job(call: Call, connection: Connection, id: str) -> Job:
    """Raises 404, also for another project's."""
    found = jobs.find(connection, call.project_id, id)
    if found is None:
        raise no_job(id)
    return found


def no_job(id: str) -> Refused:
    refused = missing("fine-tuning job", id, "fine_tune_id")
    refused.code = "fine_tune_not_found"
    return refused


def _wished(call: Call, id: str, action: str, wish: Callable[[Connection, str, str], Job | None]) -> dict[str, Any]:
    with call.state.store.database.writing() as connection:
        job = wish(connection, call.project_id, id)
        if job is None:
            raise no_job(id)
        call.note(connection, action, id)
    return wire.job_object(job, call.project.organization)
