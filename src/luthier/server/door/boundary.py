"""The outermost layer: a request id and a clock for everything, one line of log, and no error that escapes it."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from luthier.server.errors import Refused, error_response
from luthier.server.state import ServerState
from luthier.store import new_id

LOG = logging.getLogger("luthier.server")
VERSION = "2020-10-01"
QUIET_ROUTES = ("/healthz", "/readyz", "/metrics")


class ClientStopped(Exception):
    """The client no longer reads; the connection is given up."""


class Boundary:
    """Plain ASGI, because Starlette's own middleware class would buffer streams and hide disconnects."""

    def __init__(self, app: ASGIApp, state: ServerState):
        self.app = app
        self.state = state
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin = time.monotonic()
        request_id = new_id("req_")
        scope.setdefault("state", {})["request_id"] = request_id
        # Routes are found on the path as it was sent: decoded first, `%2F` would look like a border.
        scope["path"] = _sent_path(scope)
        told: dict[str, Any] = {"status": 0, "bytes": 0}

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                told["status"] = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                headers["openai-version"] = VERSION
                headers["openai-processing-ms"] = str(int((time.monotonic() - begin) * 1000))
                for name, value in scope["state"].get("headers", {}).items():
                    headers[name] = value
            told["bytes"] += len(message.get("body", b""))
            try:
                async with asyncio.timeout(self.state.settings.limits.silent_seconds):
                    await send(message)
            except TimeoutError:
                raise ClientStopped from None

        with self.state.metrics.running.track_inprogress():
            self.running += 1
            try:
                if self.running > self.state.settings.limits.connections:
                    raise Refused(503, "Too many requests are open; try again.", headers={"retry-after": "1"})
                await self.app(scope, receive, send_on)
            except (ClientDisconnect, ClientStopped):
                told["status"] = told["status"] or 499
                told["is_cut"] = True
            except Exception as error:
                await self._told_error(error, scope, receive, send_on, told)
            finally:
                self.running -= 1
        self._note(scope, request_id, told, time.monotonic() - begin)

    async def _told_error(self, error: Exception, scope: Scope, receive: Receive, send: Send, told: Any) -> None:
        response = error_response(error)
        if response.status_code >= 500:
            LOG.error("request_failed", exc_info=error, extra={"fields": {"request_id": scope["state"]["request_id"]}})
        if told["status"]:
            # The answer has begun; leaving it without its end makes uvicorn break the connection, and that is honest.
            told["is_cut"] = True
            return
        await response(scope, receive, send)

    def _note(self, scope: Scope, request_id: str, told: dict[str, Any], seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        method = scope["method"] if route != "unknown" else "any"
        self.state.metrics.requests.labels(method, route, str(told["status"])).inc()
        self.state.metrics.request_seconds.labels(route).observe(seconds)
        if route in QUIET_ROUTES:
            return
        call = scope["state"].get("call")
        fields = {
            "request_id": request_id,
            "method": scope["method"],
            "route": route,
            "status": told["status"],
            "milliseconds": round(seconds * 1000, 1),
            "bytes": told["bytes"],
            "project": call.project_id if call else None,
            "key": call.key.id if call and call.key else None,
            "address": scope["client"][0] if scope.get("client") else None,
        }
        if told.get("is_cut"):
            fields["cut"] = True
        LOG.info("request", extra={"fields": fields})


def _sent_path(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("ascii", "replace") if raw else scope["path"]
