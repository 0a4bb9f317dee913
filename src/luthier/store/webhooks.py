"""Webhook endpoints and what is to be delivered to them, with retries."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, Connection, Float, ForeignKey, Integer, String, Table

from luthier.store.ids import new_id
from luthier.store.kind import Kind
from luthier.store.pages import Asked, Page
from luthier.store.schema import (
    LONGEST_ID,
    METADATA,
    json_column,
    key_column,
    lease_columns,
    listing_index,
    project_column,
    seconds_column,
    text_column,
)

DeliveryStatus = Literal["pending", "delivered", "given_up"]


@dataclass(frozen=True)
class WebhookEndpoint:
    """``secrets``: ``{"secret": "whsec_…", "until": None or Unix seconds}``, newest first; more than one signs while
    a secret is rotated. They must be stored readable: they are what signs.
    """

    id: str
    project_id: str
    created_at: int
    updated_at: int
    name: str
    url: str
    event_types: list[str]
    secrets: list[dict[str, Any]]


@dataclass(frozen=True)
class Delivery:
    """``id`` is the webhook-id, the same on every retry. Leased like a job: `leases.claim_one(…, DELIVERIES, …)`."""

    id: str
    project_id: str
    endpoint_id: str
    created_at: int
    event_type: str
    body: dict[str, Any]
    next_at: float
    status: DeliveryStatus = "pending"
    tries: int = 0
    last_status_code: int | None = None
    last_error: str | None = None
    delivered_at: int | None = None
    owner: str | None = None
    attempt: int = 0
    lease_until: float | None = None


ENDPOINTS = Kind(
    Table(
        "webhook_endpoints",
        METADATA,
        key_column(),
        project_column(),
        seconds_column("created_at", is_required=True),
        seconds_column("updated_at", is_required=True),
        text_column("name", is_required=True),
        text_column("url", 2048, is_required=True),
        json_column("event_types"),
        json_column("secrets"),
    ),
    WebhookEndpoint,
)
DELIVERIES = Kind(
    Table(
        "webhook_deliveries",
        METADATA,
        key_column(),
        project_column(),
        Column("endpoint_id", String(LONGEST_ID), ForeignKey("webhook_endpoints.id"), nullable=False),
        seconds_column("created_at", is_required=True),
        text_column("event_type", 64, is_required=True),
        json_column("body"),
        Column("next_at", Float, nullable=False),
        text_column("status", 16, is_required=True),
        Column("tries", Integer, nullable=False),
        Column("last_status_code", Integer),
        text_column("last_error", 1024),
        seconds_column("delivered_at"),
        *lease_columns(),
        listing_index("webhook_deliveries", by="status"),
    ),
    Delivery,
)


def create(connection: Connection, endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return ENDPOINTS.insert(connection, endpoint)


def find(connection: Connection, project_id: str, id: str) -> WebhookEndpoint | None:
    return ENDPOINTS.find(connection, project_id, id)


def change(connection: Connection, project_id: str, id: str, **values: Any) -> WebhookEndpoint | None:
    return ENDPOINTS.change(connection, project_id, id, **values)


def page(connection: Connection, project_id: str, asked: Asked) -> Page[WebhookEndpoint]:
    return ENDPOINTS.page(connection, project_id, asked)


def delete(connection: Connection, project_id: str, id: str) -> bool:
    """The endpoint with all that was still to be delivered to it."""
    if find(connection, project_id, id) is None:
        return False
    table = DELIVERIES.table
    connection.execute(table.delete().where(*DELIVERIES.mine(project_id), table.c.endpoint_id == id))
    return ENDPOINTS.remove(connection, project_id, id)


def announce(connection: Connection, project_id: str, event_type: str, object_id: str) -> tuple[Delivery, ...]:
    """One delivery per endpoint that wants ``event_type``; in the transaction that makes the event true."""
    now = int(time.time())
    event_id = new_id("evt_")
    body = {"object": "event", "id": event_id, "type": event_type, "created_at": now, "data": {"id": object_id}}
    wanting = [
        endpoint for endpoint in ENDPOINTS.all(connection, project_id) if event_type in (endpoint.event_types or ())
    ]
    return tuple(
        DELIVERIES.insert(
            connection, Delivery(new_id("wh_"), project_id, endpoint.id, now, event_type, body, next_at=now)
        )
        for endpoint in wanting
    )
