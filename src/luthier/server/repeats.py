"""A POST that is sent again, after its answer was lost on the way, is answered as it was the first time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from luthier.server.access import Call
from luthier.server.errors import Refused, invalid
from luthier.store import Remembered, idempotency

LONGEST_KEY = 200
REPEATED = {"idempotent-replayed": "true"}


async def answered_once(request: Request, handle: Callable[[Request], Coroutine[Any, Any, Response]]) -> Response:
    """Honours `Idempotency-Key`; without one, a client's own retry (`x-stainless-retry-count`) of the same body."""
    call: Call = request.state.call
    given = request.headers.get("idempotency-key")
    if given is not None and not 0 < len(given) <= LONGEST_KEY:
        raise invalid(f"Idempotency-Key must have 1 to {LONGEST_KEY} characters.", "Idempotency-Key")
    body = await request.body()
    print_ = hashlib.sha256(b"\0".join([request.url.path.encode(), body])).hexdigest()
    key = f"given:{given}" if given is not None else f"body:{call.client}:{print_}"
    is_first = given is None and request.headers.get("x-stainless-retry-count", "0") in ("", "0")
    earlier = await to_thread.run_sync(_begin, call, key, print_, is_first)
    if earlier is not None:
        return _as_before(earlier, print_)
    try:
        response = await handle(request)
    except BaseException:
        await to_thread.run_sync(_abandon, call, key)
        raise
    if response.status_code < 300:
        await to_thread.run_sync(_finish, call, key, response)
    else:
        await to_thread.run_sync(_abandon, call, key)
    return response


def _as_before(earlier: Remembered, print_: str) -> Response:
    if earlier.fingerprint != print_:
        raise invalid("This Idempotency-Key was used for another request.", "Idempotency-Key")
    if earlier.status_code is None:
        raise Refused(
            409, "The same request is being answered.", headers={"x-should-retry": "true", "retry-after": "1"}
        )
    return JSONResponse(earlier.body, earlier.status_code, REPEATED)


def _begin(call: Call, key: str, print_: str, is_first: bool) -> Remembered | None:
    with call.state.store.database.writing() as connection:
        if is_first:
            # Two equal requests on purpose are two requests; only a retry looks back.
            idempotency.abandon(connection, call.project_id, key)
        return idempotency.begin(connection, call.project_id, key, print_)


def _finish(call: Call, key: str, response: Response) -> None:
    with call.state.store.database.writing() as connection:
        idempotency.finish(connection, call.project_id, key, response.status_code, msgspec.json.decode(response.body))


def _abandon(call: Call, key: str) -> None:
    with call.state.store.database.writing() as connection:
        idempotency.abandon(connection, call.project_id, key)
