"""Webhook endpoints through the official client, and real deliveries that it unwraps."""

from __future__ import annotations

import json

import openai
import pytest
from openai.types.webhooks import (
    DeletedWebhookEndpoint,
    WebhookEndpoint,
    WebhookEndpointTestResult,
    WebhookEndpointWithSecret,
    WebhookEventTypeList,
)

from replying import BASE, Replies, strictly, until, working
from webhook_receiver import receiving

DONE = "fine_tuning.job.succeeded"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with working(tmp_path_factory.mktemp("hooks"), Replies(), "webhooks.allow_private=true") as running:
        yield running


@pytest.fixture(scope="module")
def careful(tmp_path_factory):
    with working(tmp_path_factory.mktemp("careful"), Replies()) as running:
        yield running


@pytest.fixture
def receiver():
    with receiving() as opened:
        yield opened


def raw(response) -> dict:
    return json.loads(response.text)


def test_the_secret_is_shown_when_it_is_made_and_never_again(server):
    made = raw(
        server.client.webhooks.with_raw_response.create(name="ci", url="https://example.com/hook", event_types=[DONE])
    )

    strictly(WebhookEndpointWithSecret, made)
    secret = made["signing_secret"]
    assert secret.startswith("whsec_") and made["signing_secret_hint"] == f"whsec_...{secret[-3:]}"
    read = raw(server.client.webhooks.with_raw_response.retrieve(made["id"]))
    strictly(WebhookEndpoint, read)
    assert "signing_secret" not in read and secret not in json.dumps(read)


def test_endpoints_are_changed_listed_and_deleted(server):
    client = server.new_client(server.new_project("crud").id)
    made = [client.webhooks.create(name=f"n{n}", url="https://example.com/", event_types=[DONE]) for n in range(3)]

    changed = client.webhooks.update(made[0].id, name="new", event_types=["batch.completed"])

    assert changed.name == "new" and changed.event_types == ["batch.completed"] and changed.url == made[0].url
    assert [found.id for found in client.webhooks.list(limit=2)] == [found.id for found in made][::-1]
    strictly(DeletedWebhookEndpoint, client.webhooks.delete(made[0].id).model_dump())
    with pytest.raises(openai.NotFoundError):
        client.webhooks.retrieve(made[0].id)
    strictly(WebhookEventTypeList, client.webhooks.event_types.list().model_dump())


def test_another_projects_endpoint_is_not_there(server):
    made = server.client.webhooks.create(name="n", url="https://example.com/", event_types=[DONE])
    other = server.new_client(server.new_project("other").id)

    for look in (
        lambda: other.webhooks.retrieve(made.id),
        lambda: other.webhooks.update(made.id, name="x"),
        lambda: other.webhooks.delete(made.id),
        lambda: other.webhooks.rotate_secret(made.id),
        lambda: other.webhooks.test(made.id, event_type=DONE),
    ):
        with pytest.raises(openai.NotFoundError):
            look()


def test_a_finished_batch_is_delivered_signed_and_unwrapped(server, receiver):
    client = server.client
    made = client.webhooks.create(name="n", url=receiver.url, event_types=["batch.completed"])
    row = {
        "custom_id": "a",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": BASE, "messages": [{"role": "user", "content": "x"}]},
    }
    file = client.files.create(file=("a.jsonl", json.dumps(row).encode()), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")

    ((headers, body),) = until(lambda: receiver.received, bool)

    event = client.webhooks.unwrap(body, headers, secret=made.signing_secret)
    assert event.type == "batch.completed" and event.data.id == batch.id and event.id.startswith("evt_")
    assert headers["webhook-id"].startswith("wh_") and headers["content-type"] == "application/json"
    with pytest.raises(openai.InvalidWebhookSignatureError):
        client.webhooks.unwrap(body + b" ", headers, secret=made.signing_secret)
    client.webhooks.delete(made.id)


def test_a_test_event_is_sent_at_once(server, receiver):
    made = server.client.webhooks.create(name="n", url=receiver.url + "?a=b", event_types=[DONE])
    receiver.answers[:] = [418]

    result = server.client.webhooks.test(made.id, event_type=DONE)

    strictly(WebhookEndpointTestResult, result.model_dump())
    assert result.status_code == 418 and receiver.paths == ["/hook?a=b"]
    headers, body = receiver.received[0]
    event = server.client.webhooks.unwrap(body, headers, secret=made.signing_secret)
    assert event.type == DONE and event.data.id.startswith("ftjob-")


@pytest.mark.parametrize("keeps_old", [True, False])
def test_a_rotated_secret_signs_with_the_old_one_only_where_it_was_asked(server, receiver, keeps_old):
    made = server.client.webhooks.create(name="n", url=receiver.url, event_types=[DONE])

    rotated = server.client.webhooks.rotate_secret(made.id, keep_old_secret_active_for_24_hours=keeps_old)

    strictly(WebhookEndpointWithSecret, rotated.model_dump())
    assert rotated.signing_secret != made.signing_secret
    server.client.webhooks.test(made.id, event_type=DONE)
    ((headers, body),) = receiver.received
    server.client.webhooks.unwrap(body, headers, secret=rotated.signing_secret)
    assert len(headers["webhook-signature"].split(" ")) == (2 if keeps_old else 1)
    if keeps_old:
        server.client.webhooks.unwrap(body, headers, secret=made.signing_secret)
    else:
        with pytest.raises(openai.InvalidWebhookSignatureError):
            server.client.webhooks.unwrap(body, headers, secret=made.signing_secret)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "https://", "https://user:key@example.com/", "file:///etc/passwd",
        "https://example.com/\r\nx: y", "https://exa mple.com", "javascript:alert(1)", "https://example.com:99999/",
    ],
)  # fmt: skip
def test_urls_that_no_receiver_has_are_refused(careful, url):
    with pytest.raises(openai.BadRequestError) as refused:
        careful.client.webhooks.create(name="n", url=url, event_types=[DONE])

    assert refused.value.param == "url"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.100.100.200",
        "[::1]", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "0.0.0.0", "2130706433",
        "0x7f000001", "168.63.129.16",
    ],
)  # fmt: skip
def test_nothing_is_sent_into_a_network_or_to_metadata(careful, host):
    made = careful.client.webhooks.create(name="n", url=f"https://{host}/", event_types=[DONE])

    with pytest.raises(openai.BadRequestError, match="does not call"):
        careful.client.webhooks.test(made.id, event_type=DONE)


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "0.0.0.0"])
def test_metadata_is_not_called_even_where_private_addresses_are(server, host):
    made = server.client.webhooks.create(name="n", url=f"http://{host}/", event_types=[DONE])

    with pytest.raises(openai.BadRequestError, match="does not call"):
        server.client.webhooks.test(made.id, event_type=DONE)


def test_event_types_that_never_happen_are_refused(server):
    with pytest.raises(openai.BadRequestError) as refused:
        server.client.webhooks.create(name="n", url="https://example.com/", event_types=["video.completed"])

    assert refused.value.param and refused.value.param.startswith("event_types")
