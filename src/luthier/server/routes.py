"""The one list of what the server answers: method, path, handler, the scope a key needs.

A path parameter is one segment; `{model:path}` also takes slashes. Ids are percent-decoded after the route is found,
so `%2F` and a literal slash both reach the model they name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from luthier.server import front, health
from luthier.server.door.access import RouteScope
from luthier.server.inference import chat, completions, embeddings, moderations, responses, stored
from luthier.server.records import (
    batches,
    eval_runs,
    evals,
    files,
    graders,
    job_history,
    jobs,
    models,
    permissions,
    uploads,
    webhook_endpoints,
)


@dataclass(frozen=True)
class Route:
    """``status`` is what success answers. ``repeats``: an `Idempotency-Key` makes a repeat the same request. ``form``:
    fields of a form, the file first, which the handler reads by itself."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    handler: Callable[..., Any]
    scope: RouteScope
    status: int = 200
    repeats: bool = False
    form: tuple[str, ...] = ()


ROUTES = (
    Route("GET", "/", front.page, "public"),
    Route("GET", "/healthz", health.is_alive, "public"),
    Route("GET", "/readyz", health.is_ready, "public"),
    Route("GET", "/metrics", health.metrics, "public"),
    # Answers
    Route("POST", "/v1/chat/completions", chat.create, "inference"),
    Route("GET", "/v1/chat/completions", stored.list_all, "inference"),
    Route("GET", "/v1/chat/completions/{id}", stored.retrieve, "inference"),
    Route("POST", "/v1/chat/completions/{id}", stored.change, "inference"),
    Route("DELETE", "/v1/chat/completions/{id}", stored.delete, "inference"),
    Route("GET", "/v1/chat/completions/{id}/messages", stored.messages, "inference"),
    Route("POST", "/v1/responses", responses.create, "inference"),
    Route("GET", "/v1/responses/{id}", responses.retrieve, "inference"),
    Route("DELETE", "/v1/responses/{id}", responses.delete, "inference"),
    Route("GET", "/v1/responses/{id}/input_items", responses.list_items, "inference"),
    Route("POST", "/v1/completions", completions.create, "inference"),
    Route("POST", "/v1/embeddings", embeddings.create, "inference"),
    Route("POST", "/v1/moderations", moderations.create, "inference"),
    # Files
    Route("POST", "/v1/files", files.create, "files", form=files.FORM),
    Route("GET", "/v1/files", files.list_all, "files"),
    Route("GET", "/v1/files/{id}", files.retrieve, "files"),
    Route("DELETE", "/v1/files/{id}", files.delete, "files"),
    Route("GET", "/v1/files/{id}/content", files.content, "files"),
    # Uploads in parts
    Route("POST", "/v1/uploads", uploads.create, "files", repeats=True),
    Route("GET", "/v1/uploads/{id}", uploads.retrieve, "files"),
    Route("POST", "/v1/uploads/{id}/parts", uploads.add_part, "files", form=("data",)),
    Route("POST", "/v1/uploads/{id}/complete", uploads.complete, "files", repeats=True),
    Route("POST", "/v1/uploads/{id}/cancel", uploads.cancel, "files"),
    # Fine-tuning jobs
    Route("POST", "/v1/fine_tuning/jobs", jobs.create, "jobs", repeats=True),
    Route("GET", "/v1/fine_tuning/jobs", jobs.list_all, "jobs"),
    Route("GET", "/v1/fine_tuning/jobs/{id}", jobs.retrieve, "jobs"),
    Route("POST", "/v1/fine_tuning/jobs/{id}/cancel", jobs.cancel, "jobs"),
    Route("POST", "/v1/fine_tuning/jobs/{id}/pause", jobs.pause, "jobs"),
    Route("POST", "/v1/fine_tuning/jobs/{id}/resume", jobs.resume, "jobs"),
    Route("GET", "/v1/fine_tuning/jobs/{id}/events", job_history.events, "jobs"),
    Route("GET", "/v1/fine_tuning/jobs/{id}/checkpoints", job_history.list_checkpoints, "jobs"),
    Route("POST", "/v1/fine_tuning/checkpoints/{model:path}/permissions", permissions.create, "jobs"),
    Route("GET", "/v1/fine_tuning/checkpoints/{model:path}/permissions", permissions.list_all, "jobs"),
    Route("DELETE", "/v1/fine_tuning/checkpoints/{model:path}/permissions/{id}", permissions.delete, "jobs"),
    # Models
    Route("GET", "/v1/models", models.list_all, "any"),
    Route("GET", "/v1/models/{model:path}", models.retrieve, "any"),
    Route("DELETE", "/v1/models/{model:path}", models.delete, "jobs"),
    # Graders
    Route("POST", "/v1/fine_tuning/alpha/graders/validate", graders.validate, "jobs"),
    Route("POST", "/v1/fine_tuning/alpha/graders/run", graders.run, "jobs"),
    # Batches
    Route("POST", "/v1/batches", batches.create, "inference", repeats=True),
    Route("GET", "/v1/batches", batches.list_all, "inference"),
    Route("GET", "/v1/batches/{id}", batches.retrieve, "inference"),
    Route("POST", "/v1/batches/{id}/cancel", batches.cancel, "inference"),
    # Evals; a run is cancelled by its own address in older clients and in Node
    Route("POST", "/v1/evals", evals.create, "jobs", status=201, repeats=True),
    Route("GET", "/v1/evals", evals.list_all, "jobs"),
    Route("GET", "/v1/evals/{id}", evals.retrieve, "jobs"),
    Route("POST", "/v1/evals/{id}", evals.update, "jobs"),
    Route("DELETE", "/v1/evals/{id}", evals.delete, "jobs"),
    Route("POST", "/v1/evals/{eval_id}/runs", eval_runs.create, "jobs", status=201, repeats=True),
    Route("GET", "/v1/evals/{eval_id}/runs", eval_runs.list_all, "jobs"),
    Route("GET", "/v1/evals/{eval_id}/runs/{run_id}", eval_runs.retrieve, "jobs"),
    Route("POST", "/v1/evals/{eval_id}/runs/{run_id}", eval_runs.cancel, "jobs"),
    Route("POST", "/v1/evals/{eval_id}/runs/{run_id}/cancel", eval_runs.cancel, "jobs"),
    Route("DELETE", "/v1/evals/{eval_id}/runs/{run_id}", eval_runs.delete, "jobs"),
    Route("GET", "/v1/evals/{eval_id}/runs/{run_id}/output_items", eval_runs.output_items, "jobs"),
    Route("GET", "/v1/evals/{eval_id}/runs/{run_id}/output_items/{item_id}", eval_runs.output_item, "jobs"),
    # Webhooks
    Route("GET", "/v1/webhook_event_types", webhook_endpoints.list_event_types, "jobs"),
    Route("POST", "/v1/webhook_endpoints", webhook_endpoints.create, "jobs"),
    Route("GET", "/v1/webhook_endpoints", webhook_endpoints.list_all, "jobs"),
    Route("GET", "/v1/webhook_endpoints/{id}", webhook_endpoints.retrieve, "jobs"),
    Route("POST", "/v1/webhook_endpoints/{id}", webhook_endpoints.update, "jobs"),
    Route("DELETE", "/v1/webhook_endpoints/{id}", webhook_endpoints.delete, "jobs"),
    Route("POST", "/v1/webhook_endpoints/{id}/rotate_secret", webhook_endpoints.rotate_secret, "jobs"),
    Route("POST", "/v1/webhook_endpoints/{id}/test", webhook_endpoints.test, "jobs"),
)
