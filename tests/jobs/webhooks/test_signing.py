"""Signatures as Standard Webhooks describes them, checked by the official client."""

from __future__ import annotations

import json
import time

import openai
import pytest

from luthier.jobs.webhooks.signing import hint_of, living_secrets, new_secret, rotated, signed_headers

BODY = json.dumps({"object": "event", "id": "evt_1", "type": "batch.completed", "created_at": 1, "data": {"id": "b"}})


def test_the_standards_own_example_is_reproduced():
    """From https://github.com/standard-webhooks/standard-webhooks (spec, test vectors)."""
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], 1614265330
    )

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_every_living_secret_signs_and_the_client_accepts_each():
    old, new, now = new_secret(), new_secret(), int(time.time())
    headers = signed_headers("wh_1", BODY.encode(), [new, old], now)
    client = openai.OpenAI(api_key="x")

    for secret in (old, new):
        assert client.webhooks.unwrap(BODY, headers, secret=secret).type == "batch.completed"
    with pytest.raises(openai.InvalidWebhookSignatureError):
        client.webhooks.unwrap(BODY, headers, secret=new_secret())
    client.close()


def test_a_rotated_secret_ends_a_day_later_and_only_the_kept_ones_stay():
    first = [{"secret": "a", "until": None}]

    kept = rotated(first, "b", now=1000, keeps_old=True)
    dropped = rotated(kept, "c", now=2000, keeps_old=False)

    assert living_secrets(kept, 1000 + 86399) == ["b", "a"] and living_secrets(kept, 1000 + 86400) == ["b"]
    assert living_secrets(dropped, 2000) == ["c"]
    assert [entry["until"] for entry in rotated(kept, "c", 2000, True)] == [None, 2000 + 86400, 1000 + 86400]


def test_a_hint_shows_three_letters():
    assert hint_of("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz") == "whsec_...TIz"
