"""Who asks, and what they may: bearer keys, scopes, projects; without keys only on the machine itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import Depends
from sqlalchemy import Connection
from starlette.requests import Request

from luthier.recipe import ServerSettings
from luthier.server.door.limits import Allowed
from luthier.server.errors import Refused
from luthier.server.state import ServerState
from luthier.store import DEFAULT_PROJECT, ApiKey, Promise, Scope, audit, idempotency, keys, projects
from luthier.store.projects import Project

# What a route asks for: one of the scopes of keys, any living key, or nothing at all.
RouteScope = Scope | Literal["any", "public"]
HOMES = ("localhost", "127.0.0.1", "[::1]", "testserver")
OPEN_KEY = "key_open"


@dataclass(frozen=True)
class Call:
    """One request as the handlers see it: whose it is, and what they work with. ``promise``: see `repeats.py`."""

    state: ServerState
    project: Project
    key: ApiKey | None
    request_id: str
    address: str | None
    promise: Promise | None = None

    @property
    def project_id(self) -> str:
        return self.project.id

    @property
    def client(self) -> str:
        """Whom limits and fair turns are counted by."""
        return self.key.id if self.key is not None else OPEN_KEY

    def spend_tokens(self, tokens: int) -> None:
        self.state.limits.spend_tokens(self.client, tokens)

    def answer_with(self, connection: Connection, body: dict[str, Any]) -> dict[str, Any]:
        """``body``, which a repeat of this request will be answered with too; in the transaction that makes it true."""
        if self.promise is not None:
            idempotency.keep(connection, self.promise, body)
        return body

    def note(self, connection: Connection, action: str, object_id: str | None = None, **details: object) -> None:
        """A line of the audit log, in the transaction of what is noted."""
        audit.note(
            connection,
            self.project_id,
            action,
            key_id=self.key.id if self.key else None,
            object_id=object_id,
            request_id=self.request_id,
            address=self.address,
            details=details or None,
        )


def _current(request: Request) -> Call:
    return request.state.call


# How a handler receives it: ``def retrieve(call: Asking, id: str)``.
Asking = Annotated[Call, Depends(_current)]


async def admit(request: Request, scope: RouteScope) -> tuple[Call, dict[str, str]]:
    """Who asks, before anything of the body is read; and headers for the answer. Raises 401, 403 or 429."""
    state: ServerState = request.app.state.luthier
    _refuse_foreign_pages(request, state.settings)
    key, project = await to_thread.run_sync(_find, state, _secret(request.headers), scope)
    if key is not None and scope not in ("any", "public") and not key.may(scope):
        raise Refused(403, f"This key lacks the scope `{scope}` that this request needs.", code="missing_scope")
    call = Call(state, project, key, request.state.request_id, request.client.host if request.client else None)
    return call, state.limits.take_request(call.client, _allowed(key, state.settings))


def _find(state: ServerState, secret: str | None, scope: RouteScope) -> tuple[ApiKey | None, Project]:
    with state.store.database.reading() as connection:
        key = keys.authenticate(connection, secret) if secret else None
        if key is None and state.settings.access == "keys":
            raise _unknown_key(secret)
        project = projects.find(connection, key.project_id if key else DEFAULT_PROJECT)
    if project is None or project.archived_at is not None:
        raise _unknown_key(secret)
    if key is not None and time.time() - (key.last_used_at or 0) >= keys.USE_SECONDS:
        with state.store.database.writing() as connection:
            keys.note_use(connection, key)
    return key, project


def _secret(headers: Mapping[str, str]) -> str | None:
    kind, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" and secret.strip() else None


def _unknown_key(secret: str | None) -> Refused:
    """The same for a wrong key, a revoked one and one that has expired; the key itself is not repeated."""
    if secret is None:
        return Refused(
            401,
            "You didn't provide an API key. Send it in the header Authorization: Bearer YOUR_KEY; "
            "`luthier keys create` makes one.",
            code="invalid_api_key",
        )
    return Refused(
        401, "Incorrect API key provided. `luthier keys list` shows which keys there are.", code="invalid_api_key"
    )


def _allowed(key: ApiKey | None, settings: ServerSettings) -> Allowed:
    own = key.limits if key is not None and key.limits else {}
    return Allowed(
        own.get("requests_per_minute", settings.limits.requests_per_minute),
        own.get("tokens_per_minute", settings.limits.tokens_per_minute),
    )


def _refuse_foreign_pages(request: Request, settings: ServerSettings) -> None:
    """Without keys, any web page open in a browser here could call: its origin, or a name of its own, gives it away."""
    if settings.access == "keys":
        return
    host = request.headers.get("host", "localhost")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    origin = request.headers.get("origin")
    if name not in HOMES or (origin is not None and origin not in settings.allowed_origins):
        raise Refused(403, "A server without keys answers only programs on its own machine.", code="foreign_origin")
