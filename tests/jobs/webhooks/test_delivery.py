"""Deliveries: tried until they arrive, given up after three days, by one worker at a time."""

from __future__ import annotations

import dataclasses
import threading
import time

import pytest

from luthier.jobs.background.station import Station
from luthier.jobs.webhooks.delivery import GIVEN_UP_SECONDS, Sender, deliver_one, seconds_before_try
from luthier.jobs.webhooks.signing import new_secret
from luthier.store import DEFAULT_PROJECT, DELIVERIES, Delivery, Store, WebhookEndpoint, new_id, webhooks
from webhook_receiver import Receiver, receiving

DONE = "fine_tuning.job.succeeded"
HOME = Sender(allows_private=True, seconds=5.0)


@pytest.fixture
def receiver():
    with receiving() as opened:
        yield opened


def announced(store: Store, url: str) -> Delivery:
    endpoint = WebhookEndpoint(
        new_id("we_"), DEFAULT_PROJECT, 1, 1, "n", url, [DONE], [{"secret": new_secret(), "until": None}]
    )
    with store.database.writing() as connection:
        webhooks.create(connection, endpoint)
        (delivery,) = webhooks.announce(connection, DEFAULT_PROJECT, DONE, "ftjob-1")
    return delivery


def read(store: Store, delivery: Delivery) -> Delivery:
    with store.database.reading() as connection:
        found = DELIVERIES.find(connection, DEFAULT_PROJECT, delivery.id)
    assert found is not None
    return found


def make_due(store: Store, delivery: Delivery, **values) -> None:
    with store.database.writing() as connection:
        DELIVERIES.change(connection, DEFAULT_PROJECT, delivery.id, next_at=time.time() - 1, **values)


def test_a_delivery_arrives_and_is_done(store, receiver: Receiver):
    delivery = announced(store, receiver.url)

    assert deliver_one(Station(store, "one"), HOME)
    assert not deliver_one(Station(store, "one"), HOME)

    done = read(store, delivery)
    assert done.status == "delivered" and done.tries == 1 and done.last_status_code == 204 and done.owner is None
    assert len(receiver.received) == 1


def test_a_refused_delivery_is_tried_again_later_with_the_same_id_and_a_new_time(store, receiver: Receiver):
    receiver.answers[:] = [500, 302, 200]
    delivery = announced(store, receiver.url)

    for tries in (1, 2):
        deliver_one(Station(store, "one"), HOME)
        waiting = read(store, delivery)
        assert (waiting.status, waiting.tries) == ("pending", tries)
        assert waiting.next_at > time.time() + 3
        assert not deliver_one(Station(store, "one"), HOME)
        make_due(store, delivery)
    deliver_one(Station(store, "one"), HOME)

    assert read(store, delivery).status == "delivered"
    assert {headers["webhook-id"] for headers, _ in receiver.received} == {delivery.id}
    assert receiver.paths == ["/hook"] * 3, "a redirect is not followed"


def test_a_delivery_is_given_up_after_three_days(store, receiver: Receiver):
    receiver.answers[:] = [500]
    delivery = announced(store, receiver.url)
    make_due(store, delivery, created_at=int(time.time() - GIVEN_UP_SECONDS + 3600), tries=12)

    deliver_one(Station(store, "one"), HOME)

    given_up = read(store, delivery)
    assert given_up.status == "given_up" and given_up.last_error == "answered 500"


def test_waits_double_up_to_four_hours_and_three_days_hold_many_tries():
    waits = [seconds_before_try(tries) for tries in range(1, 40)]

    assert 4 <= waits[0] <= 5 and 8 <= waits[1] <= 10 and max(waits) <= 4 * 3600
    assert sum(waits[:28]) < GIVEN_UP_SECONDS < sum(waits)


def test_a_receiver_that_never_answers_is_left_after_a_while(store, receiver: Receiver):
    receiver.answers[:] = [0]
    delivery = announced(store, receiver.url)
    begin = time.monotonic()

    deliver_one(Station(store, "one"), dataclasses.replace(HOME, seconds=0.3))

    assert time.monotonic() - begin < 1.5
    waiting = read(store, delivery)
    assert waiting.status == "pending" and waiting.last_status_code is None and waiting.last_error


def test_a_name_that_leads_inside_is_refused_when_it_is_called(store, receiver: Receiver):
    delivery = announced(store, "https://hooks.example.com/")
    inside = Sender(resolve=lambda _host, _port: ["93.184.216.34", "127.0.0.1"])

    deliver_one(Station(store, "one"), inside)

    waiting = read(store, delivery)
    assert waiting.status == "pending" and "does not call" in (waiting.last_error or "")
    assert receiver.received == []


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "100.100.100.200"])
def test_a_name_that_leads_to_metadata_is_refused_even_where_private_addresses_are_called(store, address):
    delivery = announced(store, "https://hooks.example.com/")

    deliver_one(Station(store, "one"), Sender(allows_private=True, resolve=lambda _host, _port: [address]))

    waiting = read(store, delivery)
    assert waiting.status == "pending" and "does not call" in (waiting.last_error or "")


def test_the_address_that_was_looked_at_is_the_one_that_is_called(store, receiver: Receiver):
    """A second look would give another address; there is no second look."""
    looks: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        looks.append(host)
        return ["127.0.0.1"] if len(looks) == 1 else ["192.0.2.1"]

    delivery = announced(store, f"http://hooks.example.com:{receiver.port}/x")

    deliver_one(Station(store, "one"), Sender(allows_private=True, resolve=resolve))

    assert read(store, delivery).status == "delivered" and looks == ["hooks.example.com"]
    assert receiver.received[0][0]["host"] == f"hooks.example.com:{receiver.port}"


def test_several_workers_deliver_each_event_once(store, receiver: Receiver):
    announced(store, receiver.url)
    with store.database.writing() as connection:
        for number in range(11):
            webhooks.announce(connection, DEFAULT_PROJECT, DONE, f"ftjob-{number}")

    def work(name: str) -> None:
        while deliver_one(Station(store, name), HOME):
            pass

    threads = [threading.Thread(target=work, args=(f"worker {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ids = [headers["webhook-id"] for headers, _ in receiver.received]
    assert len(ids) == len(set(ids)) == 12
