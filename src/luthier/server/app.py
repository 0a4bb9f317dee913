"""The app: the routes of the one list behind keys and limits, every error in the envelope."""

from __future__ import annotations

from typing import Any

from anyio import CapacityLimiter
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from luthier import __version__
from luthier.errors import LuthierError
from luthier.server.door.boundary import Boundary
from luthier.server.door.guarded import guarded
from luthier.server.errors import error_response
from luthier.server.routes import ROUTES, Route
from luthier.server.state import ServerState


def make_app(state: ServerState) -> FastAPI:
    """Everything it works with comes in ``state``; whoever composes also closes it."""
    app = FastAPI(
        title="luthier",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=_middleware(state),
        exception_handlers=dict.fromkeys((LuthierError, RequestValidationError, HTTPException), _told),
        separate_input_output_schemas=False,
    )
    app.state.luthier = state
    app.state.receiving = CapacityLimiter(state.settings.limits.uploads_at_once)
    for route in ROUTES:
        app.router.add_api_route(
            route.path,
            route.handler,
            methods=[route.method],
            status_code=route.status,
            response_model=None,
            name=f"{route.handler.__module__.rpartition('.')[2]}.{route.handler.__name__}",
            tags=[route.scope],
            openapi_extra=_form_of(route),
            route_class_override=guarded(route.scope, route.repeats),
        )
    return app


def _form_of(route: Route) -> dict[str, Any] | None:
    """For the OpenAPI document: FastAPI sees nothing of a form that is read as it comes."""
    if not route.form:
        return None
    file, *fields = route.form
    properties = {file: {"type": "string", "format": "binary"}} | {name: {"type": "string"} for name in fields}
    schema = {"type": "object", "properties": properties, "required": [file]}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def _middleware(state: ServerState) -> list[Middleware]:
    layers = [Middleware(Boundary, state=state)]
    if state.settings.allowed_origins:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(state.settings.allowed_origins),
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["*"],
                expose_headers=["x-request-id"],
            )
        )
    return layers


async def _told(_request: Request, error: Exception) -> Response:
    return error_response(error)
