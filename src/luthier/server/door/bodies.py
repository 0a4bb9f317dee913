"""Bodies that cannot harm: bounded in size, in silence and in depth, read only after the key was looked at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from starlette.requests import Request

from luthier.recipe import ServerSettings
from luthier.server.errors import Refused, invalid

MEGABYTE = 1 << 20
SLOWEST_BYTES_PER_SECOND = 1024


class BoundedRequest(Request):
    """A request whose JSON is limited as the settings say."""

    @classmethod
    def of(cls, request: Request) -> BoundedRequest:
        """What every guarded route was given, by its own type."""
        assert isinstance(request, cls)
        return request

    @property
    def settings(self) -> ServerSettings:
        return self.app.state.luthier.settings

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            limit = self.settings.limits.json_megabytes * MEGABYTE
            self._body = b"".join([chunk async for chunk in self.bounded_stream(limit)])
        return self._body

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = parse_json(await self.body(), self.settings.limits.json_depth)
        return self._json

    async def bounded_stream(self, limit_bytes: int) -> AsyncGenerator[bytes, None]:
        """Chunks of the body; raises 413 as soon as it is known to be longer, 408 when the client falls silent."""
        told = self.headers.get("content-length", "")
        if told.isdigit() and int(told) > limit_bytes:
            raise too_large(limit_bytes)
        received, begin = 0, time.monotonic()
        patience = self.settings.limits.silent_seconds
        async for chunk in self._chunks():
            received += len(chunk)
            late = time.monotonic() - begin - patience
            if late > 0 and received < late * SLOWEST_BYTES_PER_SECOND:
                raise Refused(408, "The body arrives too slowly.")
            if received > limit_bytes:
                raise too_large(limit_bytes)
            yield chunk

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        silent_seconds = self.settings.limits.silent_seconds
        stream = self.stream()
        while True:
            try:
                async with asyncio.timeout(silent_seconds):
                    chunk = await anext(stream, None)
            except TimeoutError:
                raise Refused(408, "The body did not arrive in time.") from None
            if chunk is None:
                return
            if chunk:
                yield chunk


def too_large(limit_bytes: int) -> Refused:
    return Refused(
        413,
        f"The body is too large: at most {limit_bytes:,} bytes are taken here.",
        code="request_too_large",
        headers={"x-should-retry": "false"},
    )


def parse_json(body: bytes, deepest: int) -> Any:
    """Strict JSON (no NaN, no half characters) of bounded depth; raises 400."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        what = "it is nested too deeply" if isinstance(error, RecursionError) else "it is not valid JSON"
        raise Refused(400, f"We could not parse the body of your request: {what}.") from None
    if _is_deeper(value, deepest):
        raise invalid(f"The JSON body is nested more than {deepest} levels deep.")
    return value


def _is_deeper(value: Any, deepest: int) -> bool:
    level = [value]
    for _ in range(deepest):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True
