"""For those who run the server: is it alive, is it ready, what does it count."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from luthier.errors import LuthierError
from luthier.server.door.access import admit
from luthier.server.state import ServerState
from luthier.store import jobs, workers

SEEN_SECONDS = 60.0


async def is_alive() -> dict[str, str]:
    return {"status": "ok"}


def is_ready(request: Request) -> JSONResponse:
    """503 while something is missing, with what it is."""
    parts = what_is_there(request.app.state.luthier)
    is_all_there = all(parts.values())
    return JSONResponse({"status": "ready" if is_all_there else "waiting", **parts}, 200 if is_all_there else 503)


def what_is_there(state: ServerState) -> dict[str, bool]:
    try:
        with state.store.database.reading() as connection:
            jobs.count_by_status(connection)
        is_database_there = True
    except LuthierError:
        is_database_there = False
    parts = {"database": is_database_there}
    if state.inference is not None:
        parts["inference"] = state.inference.is_ready()
    return parts


async def metrics(request: Request) -> Response:
    state: ServerState = request.app.state.luthier
    if state.settings.metrics == "admin":
        await admit(request, "admin")
    with state.store.database.reading() as connection:
        counts = jobs.count_by_status(connection)
        seconds = jobs.seconds_by_status(connection)
        living = workers.living(connection, SEEN_SECONDS)
    for status in (*jobs.WORKABLE, "paused", *jobs.TERMINAL):
        state.metrics.jobs.labels(status).set(counts.get(status, 0))
    state.metrics.job_seconds.by_status = {status: seconds.get(status, (0, 0)) for status in jobs.TERMINAL}
    state.metrics.workers.set(len(living))
    if state.inference is not None:
        load = state.inference.load()
        state.metrics.batch_rows.set(load.running)
        state.metrics.waiting.set(load.waiting)
        state.metrics.adapter_loads.set(load.adapter_loads)
    return Response(generate_latest(state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
