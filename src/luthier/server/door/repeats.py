"""A POST that is sent again, after its answer was lost on the way, is answered as it was the first time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from luthier.server.door.access import Call
from luthier.server.errors import Refused, invalid
from luthier.store import Promise, Remembered, idempotency

LONGEST_KEY = 200
REPEATED = {"idempotent-replayed": "true"}


async def answered_once(
    request: Request, handle: Callable[[Request], Coroutine[Any, Any, Response]], status_code: int
) -> Response:
    """Honours `Idempotency-Key`; without one, a client's own retry (`x-stainless-retry-count`) of the same body.

    The handler keeps the promise in the transaction of what it creates (`Call.answer_with`): a server that is killed
    in between has done both or neither.
    """
    call: Call = request.state.call
    given = request.headers.get("idempotency-key")
    if given is not None and not 0 < len(given) <= LONGEST_KEY:
        raise invalid(f"Idempotency-Key must have 1 to {LONGEST_KEY} characters.", "Idempotency-Key")
    body = await request.body()
    print_ = hashlib.sha256(b"\0".join([request.url.path.encode(), body])).hexdigest()
    key = f"given:{given}" if given is not None else f"body:{call.client}:{print_}"
    is_first = given is None and request.headers.get("x-stainless-retry-count", "0") in ("", "0")
    begun = await to_thread.run_sync(_begin, call, key, print_, status_code, given is not None, is_first)
    if isinstance(begun, Remembered):
        return _as_before(begun, print_)
    request.state.call = replace(call, promise=begun)
    try:
        response = await handle(request)
    except BaseException:
        await to_thread.run_sync(_abandon, call, begun)
        raise
    if response.status_code < 300:
        assert begun.is_kept, f"{request.url.path} is not answered through Call.answer_with"
    else:
        await to_thread.run_sync(_abandon, call, begun)
    return response


def _as_before(earlier: Remembered, print_: str) -> Response:
    if earlier.fingerprint != print_:
        raise invalid("This Idempotency-Key was used for another request.", "Idempotency-Key")
    if earlier.status_code is None:
        raise Refused(
            409, "The same request is being answered.", headers={"x-should-retry": "true", "retry-after": "1"}
        )
    return JSONResponse(earlier.body, earlier.status_code, REPEATED)


def _begin(
    call: Call, key: str, print_: str, status_code: int, is_strict: bool, is_first: bool
) -> Remembered | Promise:
    with call.state.store.database.writing() as connection:
        if is_first:
            # Two equal requests on purpose are two requests; only a retry looks back.
            idempotency.forget(connection, call.project_id, key)
        return idempotency.begin(connection, call.project_id, key, print_, status_code, is_strict)


def _abandon(call: Call, promise: Promise) -> None:
    with call.state.store.database.writing() as connection:
        idempotency.abandon(connection, promise)
