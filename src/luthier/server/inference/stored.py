"""Chat completions that were kept with `store`: listed, read, relabelled, deleted."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from luthier.server.door.access import Asking, Call
from luthier.server.errors import invalid, missing
from luthier.server.wire import stored as wire
from luthier.server.wire.lists import asked_page, list_body, list_of
from luthier.server.wire.stored import MetadataChange
from luthier.store import StoredCompletion, completions


def list_all(
    call: Asking,
    request: Request,
    model: str | None = None,
    after: str | None = None,
    limit: int | None = None,
    order: str | None = None,
) -> dict[str, Any]:
    """Oldest first, unlike most lists."""
    asked = asked_page(limit, after, order, default_order="asc")
    wanted = wire.metadata_filter(request.query_params.multi_items())
    with call.state.store.database.reading() as connection:
        page = completions.page(connection, call.project_id, asked, model, wanted)
    return list_of(page, wire.stored_completion)


def retrieve(call: Asking, id: str) -> dict[str, Any]:
    return wire.stored_completion(_found(call, id))


def messages(
    call: Asking, id: str, after: str | None = None, limit: int | None = None, order: str | None = None
) -> dict[str, Any]:
    """The messages of the request, each with an id."""
    asked = asked_page(limit, after, order, default_order="asc")
    items = wire.stored_messages(_found(call, id))
    items = items if asked.order == "asc" else items[::-1]
    begin = 0
    if asked.after is not None:
        ids = [item["id"] for item in items]
        if asked.after not in ids:
            raise invalid("after: no such message in this completion.", "after")
        begin = ids.index(asked.after) + 1
    return list_body(items[begin : begin + asked.limit], len(items) > begin + asked.limit)


def change(call: Asking, id: str, body: MetadataChange) -> dict[str, Any]:
    """The new pairs replace all old ones."""
    with call.state.store.database.writing() as connection:
        changed = completions.set_metadata(connection, call.project_id, id, body.metadata)
    if changed is None:
        raise missing("chat completion", id)
    return wire.stored_completion(changed)


def delete(call: Asking, id: str) -> dict[str, Any]:
    with call.state.store.database.writing() as connection:
        if not completions.delete(connection, call.project_id, id):
            raise missing("chat completion", id)
    return {"object": "chat.completion.deleted", "id": id, "deleted": True}


def _found(call: Call, id: str) -> StoredCompletion:
    with call.state.store.database.reading() as connection:
        found = completions.find(connection, call.project_id, id)
    if found is None:
        raise missing("chat completion", id)
    return found
