"""Webhooks that wait in the store are delivered, tried again for three days, and given up then."""

from __future__ import annotations

import contextlib
import json
import random
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_

from luthier.jobs.background.station import Held, Station, hold_one
from luthier.jobs.webhooks.addresses import AddressRefused, Resolve, find_target
from luthier.jobs.webhooks.posting import WHOLE_SECONDS, NotDelivered, post
from luthier.jobs.webhooks.signing import living_secrets, signed_headers
from luthier.store import DELIVERIES, Delivery, LeaseLost, WebhookEndpoint, webhooks

GIVEN_UP_SECONDS = 72 * 3600
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 4 * 3600.0
EVENT_TYPES = (
    "fine_tuning.job.succeeded", "fine_tuning.job.failed", "fine_tuning.job.cancelled",
    "eval.run.succeeded", "eval.run.failed", "eval.run.canceled",
    "batch.completed", "batch.failed", "batch.expired", "batch.cancelled",
)  # fmt: skip


@dataclass(frozen=True)
class Sender:
    """How deliveries leave this machine. ``resolve`` is the system's own unless a test says otherwise."""

    allows_private: bool = False
    seconds: float = WHOLE_SECONDS
    resolve: Resolve | None = None

    def send(self, endpoint: WebhookEndpoint, id: str, document: dict[str, Any]) -> int:
        """The receiver's status. Raises NotDelivered, or AddressRefused before anything leaves."""
        target = find_target(endpoint.url, self.allows_private, self.resolve)
        now = int(time.time())
        body = json.dumps(document).encode()
        headers = signed_headers(id, body, living_secrets(endpoint.secrets, now), now)
        return post(target, body, {"user-agent": "luthier-webhooks", **headers}, self.seconds)


def deliver_one(station: Station, sender: Sender) -> bool:
    """False where nothing waits."""
    table = DELIVERIES.table
    due = and_(table.c.status == "pending", table.c.next_at <= time.time())
    held = hold_one(station, DELIVERIES, due, order=("next_at", "id"))
    if held is None:
        return False
    with contextlib.suppress(LeaseLost):
        _try(held, sender)
    return True


def seconds_before_try(tries: int) -> float:
    """5 s, 10 s, 20 s … 4 h, each up to a fifth shorter by chance, so that a recovering receiver is not flooded."""
    return min(FIRST_WAIT_SECONDS * 2.0 ** min(tries - 1, 32), LONGEST_WAIT_SECONDS) * random.uniform(0.8, 1.0)


def _try(held: Held[Delivery], sender: Sender) -> None:
    delivery, database = held.record, held.station.store.database
    with database.reading() as connection:
        endpoint = webhooks.find(connection, delivery.project_id, delivery.endpoint_id)
    if endpoint is None:
        return
    status: int | None = None
    try:
        status = sender.send(endpoint, delivery.id, delivery.body)
        problem = None if 200 <= status < 300 else f"answered {status}"
    except (NotDelivered, AddressRefused) as error:
        problem = error.found if isinstance(error, AddressRefused) else str(error)
    with database.writing() as connection:
        held.write(connection, **_afterwards(delivery, status, problem))
    held.let_go()


def _afterwards(delivery: Delivery, status: int | None, problem: str | None) -> dict[str, Any]:
    now = time.time()
    tries = delivery.tries + 1
    known = {"tries": tries, "last_status_code": status, "last_error": problem}
    if problem is None:
        return {**known, "status": "delivered", "delivered_at": int(now)}
    next_at = now + seconds_before_try(tries)
    if next_at > delivery.created_at + GIVEN_UP_SECONDS:
        return {**known, "status": "given_up"}
    return {**known, "next_at": next_at}
