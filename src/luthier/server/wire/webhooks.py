"""Webhook endpoints on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from luthier.jobs.webhooks.delivery import EVENT_TYPES
from luthier.jobs.webhooks.signing import hint_of
from luthier.server.wire.model import StrictWire
from luthier.store import WebhookEndpoint


def _known(event_type: str) -> str:
    if event_type not in EVENT_TYPES:
        raise ValueError(f"expected one of {', '.join(EVENT_TYPES)}")
    return event_type


EventType = Annotated[str, AfterValidator(_known)]
EventTypes = Annotated[list[EventType], Field(min_length=1, max_length=100)]
EndpointName = Annotated[str, Field(min_length=1, max_length=255)]


class CreateEndpoint(StrictWire):
    name: EndpointName
    url: str
    event_types: EventTypes


class UpdateEndpoint(StrictWire):
    name: EndpointName | None = None
    url: str | None = None
    event_types: EventTypes | None = None


class RotateSecret(StrictWire):
    keep_old_secret_active_for_24_hours: bool = False


class TestEndpoint(StrictWire):
    event_type: EventType


def endpoint_object(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
        "name": endpoint.name,
        "url": endpoint.url,
        "event_types": endpoint.event_types,
        "signing_secret_hint": hint_of(endpoint.secrets[0]["secret"]),
    }


def with_secret(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Only when the secret is new: afterwards it is never shown again."""
    return {**endpoint_object(endpoint), "signing_secret": endpoint.secrets[0]["secret"]}
