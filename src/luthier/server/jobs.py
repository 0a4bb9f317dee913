"""Fine-tuning jobs: created, listed, read, cancelled, paused, resumed. Workers do the rest."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection
from starlette.requests import Request

from luthier.jobs import wishes, wording
from luthier.server.access import Asking, Call
from luthier.server.errors import Refused, invalid, missing
from luthier.server.methods import AskedMethod, asked_method, refuse_untrainable
from luthier.server.models import base_of
from luthier.server.wire import jobs as wire
from luthier.server.wire.lists import asked_labels, asked_page, list_of
from luthier.store import Fact, Job, TunedModel, files, job_events, jobs, models, new_id

HIGHEST_LIMIT = 1000
FINE_TUNE = "fine-tune"


def create(call: Asking, asked: wire.CreateJob) -> dict[str, Any]:
    """Everything but the contents of the files is checked now; a worker reads those."""
    method = asked_method(asked.method, asked.hyperparameters)
    _check_integrations(asked.integrations or [])
    with call.state.store.database.writing() as connection:
        model, parent = _model(call, connection, asked.model)
        _check_files(call, connection, asked)
        refuse_untrainable(method.kind)
        job = jobs.create(connection, _job(call, asked, method, model, parent))
        facts = [Fact(wording.created(job.id), once="created")]
        if parent is not None:
            facts.append(Fact(f"Continuing from {parent.id}", once="parent"))
        job_events.tell(connection, call.project_id, job.id, *facts)
        call.note(connection, "job.create", job.id, model=asked.model, training_file=asked.training_file)
    return wire.job_object(job, call.project.organization)


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


def _job(call: Call, asked: wire.CreateJob, method: AskedMethod, model: str, parent: TunedModel | None) -> Job:
    return Job(
        id=new_id("ftjob-"),
        project_id=call.project_id,
        created_at=int(time.time()),
        model=model,
        asked_model=asked.model,
        parent=parent.id if parent is not None else None,
        training_file=asked.training_file,
        validation_file=asked.validation_file,
        method=method.document,
        hyperparameters=method.hyperparameters,
        seed=asked.seed if asked.seed is not None else secrets.randbelow(wire.HIGHEST_SEED + 1),
        suffix=asked.suffix,
        metadata=asked.metadata or None,
        integrations=[],
    )


def _model(call: Call, connection: Connection, asked: str) -> tuple[str, TunedModel | None]:
    """The base's id (an alias expanded), and the tuned model or checkpoint to go on from."""
    if (base := call.state.bases.get(asked)) is not None:
        return base.id, None
    tuned = models.find_permitted(connection, call.project_id, asked)
    if tuned is None:
        raise invalid(
            f"The model `{asked[:200]}` does not exist, or cannot be fine-tuned here. "
            f"Bases: {', '.join(sorted(call.state.bases)[:20]) or 'none'}.",
            "model",
            "model_not_available",
        )
    return base_of(call, tuned).id, tuned


def _check_files(call: Call, connection: Connection, asked: wire.CreateJob) -> None:
    for param, id in (("training_file", asked.training_file), ("validation_file", asked.validation_file)):
        if id is None:
            continue
        file = files.find(connection, call.project_id, id)
        if file is None:
            raise invalid(f"Invalid '{param}': no such file {id[:80]}.", param, "invalid_file")
        if file.purpose != FINE_TUNE:
            raise invalid(
                f"Invalid '{param}': {id} has the purpose '{file.purpose}', not '{FINE_TUNE}'.", param, "invalid_file"
            )
    if asked.validation_file == asked.training_file:
        raise invalid("The validation file must not be the training file.", "validation_file", "invalid_file")


def _check_integrations(integrations: list[dict[str, Any]]) -> None:
    """Well-formed ones are refused too: no account is configured here, and a job must not lose what was asked for."""
    for place, integration in enumerate(integrations):
        name = f"integrations[{place}]"
        if integration.get("type") != "wandb" or set(integration) - {"type", "wandb"}:
            raise invalid(f"Invalid value for '{name}.type': expected 'wandb'.", name)
        try:
            wire.Wandb.model_validate(integration.get("wandb"))
        except ValidationError as error:
            place_in = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise invalid(f"Invalid value for '{name}.wandb.{place_in}'.", name) from None
        raise invalid("This server has no Weights & Biases account configured.", name, "integration_not_configured")
