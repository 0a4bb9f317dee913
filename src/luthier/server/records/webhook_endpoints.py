"""Webhook endpoints: where events of this project are sent, and the secrets that sign them."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection

from luthier.jobs.webhooks.addresses import AddressRefused, check_url
from luthier.jobs.webhooks.delivery import EVENT_TYPES, Sender
from luthier.jobs.webhooks.posting import NotDelivered
from luthier.jobs.webhooks.signing import new_secret, rotated
from luthier.server.door.access import Asking, Call
from luthier.server.errors import Refused, invalid, missing
from luthier.server.wire import webhooks as wire
from luthier.server.wire.lists import asked_page, list_of
from luthier.store import WebhookEndpoint, new_id, webhooks

MOST_ENDPOINTS = 100
# A test is answered while the client waits.
TEST_SECONDS = 10.0


def create(call: Asking, asked: wire.CreateEndpoint) -> dict[str, Any]:
    """The name behind the url is resolved when something is sent, each time: what it leads to may change."""
    _check_url(call, asked.url)
    now = int(time.time())
    endpoint = WebhookEndpoint(
        id=new_id("we_"),
        project_id=call.project_id,
        created_at=now,
        updated_at=now,
        name=asked.name,
        url=asked.url,
        event_types=list(dict.fromkeys(asked.event_types)),
        secrets=[{"secret": new_secret(), "until": None}],
    )
    with call.state.store.database.writing() as connection:
        if len(webhooks.ENDPOINTS.all(connection, call.project_id)) >= MOST_ENDPOINTS:
            raise invalid(f"A project has at most {MOST_ENDPOINTS} webhook endpoints; delete one first.")
        webhooks.create(connection, endpoint)
        call.note(connection, "webhook_endpoint.create", endpoint.id)
    return wire.with_secret(endpoint)


def list_all(call: Asking, limit: int | None = None, after: str | None = None) -> dict[str, Any]:
    with call.state.store.database.reading() as connection:
        return list_of(webhooks.page(connection, call.project_id, asked_page(limit, after)), wire.endpoint_object)


def retrieve(call: Asking, id: str) -> dict[str, Any]:
    with call.state.store.database.reading() as connection:
        return wire.endpoint_object(_found(call, connection, id))


def update(call: Asking, id: str, asked: wire.UpdateEndpoint) -> dict[str, Any]:
    if asked.url is not None:
        _check_url(call, asked.url)
    with call.state.store.database.writing() as connection:
        endpoint = _found(call, connection, id)
        values = {name: value for name, value in asked.model_dump().items() if value is not None}
        if any(getattr(endpoint, name) != value for name, value in values.items()):
            endpoint = _changed(call, connection, id, **values)
            call.note(connection, "webhook_endpoint.update", id)
    return wire.endpoint_object(endpoint)


def delete(call: Asking, id: str) -> dict[str, Any]:
    """With all that was still to be delivered to it."""
    with call.state.store.database.writing() as connection:
        if not webhooks.delete(connection, call.project_id, id):
            raise missing("webhook endpoint", id)
        call.note(connection, "webhook_endpoint.delete", id)
    return {"id": id, "object": "webhook_endpoint.deleted", "deleted": True}


def rotate_secret(call: Asking, id: str, asked: wire.RotateSecret | None = None) -> dict[str, Any]:
    keeps_old = asked is not None and asked.keep_old_secret_active_for_24_hours
    with call.state.store.database.writing() as connection:
        kept = _found(call, connection, id).secrets
        secrets = rotated(kept, new_secret(), int(time.time()), keeps_old)
        endpoint = _changed(call, connection, id, secrets=secrets)
        call.note(connection, "webhook_endpoint.rotate_secret", id, keeps_old=keeps_old)
    return wire.with_secret(endpoint)


def test(call: Asking, id: str, asked: wire.TestEndpoint) -> dict[str, Any]:
    """Sends a sample now, once. What the receiver answers is its status; where none comes it is 400 with the reason."""
    with call.state.store.database.reading() as connection:
        endpoint = _found(call, connection, id)
    document = {
        "object": "event",
        "id": new_id("evt_"),
        "type": asked.event_type,
        "created_at": int(time.time()),
        "data": {"id": _sample_id(asked.event_type)},
    }
    try:
        sender = Sender(call.state.settings.webhooks.allow_private, TEST_SECONDS)
        status = sender.send(endpoint, new_id("wh_"), document)
    except (NotDelivered, AddressRefused) as error:
        reason = error.found if isinstance(error, AddressRefused) else str(error)
        raise Refused(400, f"The test event was not delivered: {reason}.", code="webhook_not_delivered") from None
    return {
        "object": "webhook_endpoint.test",
        "webhook_endpoint_id": id,
        "event_type": asked.event_type,
        "success": True,
        "status_code": status,
    }


def list_event_types() -> dict[str, Any]:
    return {"object": "list", "data": list(EVENT_TYPES)}


def _sample_id(event_type: str) -> str:
    if event_type.startswith("batch."):
        return new_id("batch_")
    return new_id("evalrun_") if event_type.startswith("eval.") else new_id("ftjob-")


def _check_url(call: Call, url: str) -> None:
    try:
        check_url(url, call.state.settings.webhooks.allow_private)
    except AddressRefused as error:
        raise invalid(f"Invalid value for 'url': {error.found}; {error.fix}.", "url") from None


def _found(call: Call, connection: Connection, id: str) -> WebhookEndpoint:
    found = webhooks.find(connection, call.project_id, id)
    if found is None:
        raise missing("webhook endpoint", id)
    return found


def _changed(call: Call, connection: Connection, id: str, **values: Any) -> WebhookEndpoint:
    found = webhooks.change(connection, call.project_id, id, updated_at=int(time.time()), **values)
    if found is None:
        raise missing("webhook endpoint", id)
    return found
