"""The one list of what the server answers: method, path, handler, the scope a key needs.

A path parameter is one segment; `{model:path}` also takes slashes. Ids are percent-decoded after the route is found,
so `%2F` and a literal slash both reach the model they name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from luthier.server import files, health, job_history, jobs, models, permissions, uploads
from luthier.server.access import RouteScope


@dataclass(frozen=True)
class Route:
    """``status`` is what success answers. ``repeats``: an `Idempotency-Key` makes a repeat the same request."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    handler: Callable[..., Any]
    scope: RouteScope
    status: int = 200
    repeats: bool = False


ROUTES = (
    Route("GET", "/healthz", health.is_alive, "public"),
    Route("GET", "/readyz", health.is_ready, "public"),
    Route("GET", "/metrics", health.metrics, "public"),
    # Files
    Route("POST", "/v1/files", files.create, "files"),
    Route("GET", "/v1/files", files.list_all, "files"),
    Route("GET", "/v1/files/{id}", files.retrieve, "files"),
    Route("DELETE", "/v1/files/{id}", files.delete, "files"),
    Route("GET", "/v1/files/{id}/content", files.content, "files"),
    # Uploads in parts
    Route("POST", "/v1/uploads", uploads.create, "files", repeats=True),
    Route("GET", "/v1/uploads/{id}", uploads.retrieve, "files"),
    Route("POST", "/v1/uploads/{id}/parts", uploads.add_part, "files"),
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
)
