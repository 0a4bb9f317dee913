"""How a route is answered: decode its ids, look at the key, read the body within limits, then call the handler."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import unquote

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from luthier.server.door.access import RouteScope, admit
from luthier.server.door.bodies import BoundedRequest
from luthier.server.door.repeats import answered_once

Handle = Callable[[Request], Coroutine[Any, Any, Response]]


def guarded(scope_needed: RouteScope, repeats: bool) -> type[APIRoute]:
    """A class of routes, as FastAPI wants it, that asks for ``scope_needed``."""

    class GuardedRoute(APIRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            match, found = super().matches(scope)
            if match != Match.NONE:
                found["path_params"] = {name: unquote(value) for name, value in found["path_params"].items()}
            return match, found

        def get_route_handler(self) -> Handle:
            """FastAPI reads bodies inside a `try` that makes one 400 of whatever is raised: so they are read here."""
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                bounded = BoundedRequest(request.scope, request.receive)
                if scope_needed != "public":
                    call, headers = await admit(bounded, scope_needed)
                    bounded.state.call = call
                    bounded.state.headers = {**headers, "openai-organization": call.project.organization}
                if self.body_field is not None:
                    await _read(bounded)
                if repeats:
                    return await answered_once(bounded, handle, self.status_code or 200)
                return await handle(bounded)

            return answer

    return GuardedRoute


async def _read(request: BoundedRequest) -> None:
    """Raises 413, 408 and 400; afterwards the request remembers what it read."""
    if await request.body() and "json" in request.headers.get("content-type", ""):
        await request.json()
