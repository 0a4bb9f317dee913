"""Buckets that fill evenly."""

from __future__ import annotations

import pytest

from luthier.server.door.limits import Allowed, Limits
from luthier.server.errors import Refused


def test_a_key_without_limits_is_never_refused():
    limits = Limits()
    for _ in range(1000):
        assert limits.take_request("key", Allowed()) == {}


def test_tokens_that_were_spent_are_waited_for():
    limits, allowed = Limits(), Allowed(tokens_per_minute=600)
    limits.take_request("key", allowed)

    limits.spend_tokens("key", 605)

    with pytest.raises(Refused) as refused:
        limits.take_request("key", allowed)
    assert refused.value.status == 429 and refused.value.headers["retry-after"] == "1"
    limits.take_request("another", allowed)


def test_a_bucket_fills_with_time(monkeypatch):
    now = 1000.0
    monkeypatch.setattr("luthier.server.door.limits.time.monotonic", lambda: now)
    limits, allowed = Limits(), Allowed(requests_per_minute=2)
    for _ in range(2):
        limits.take_request("key", allowed)
    with pytest.raises(Refused):
        limits.take_request("key", allowed)

    now = 1030.0

    told = limits.take_request("key", allowed)
    assert told["x-ratelimit-remaining-requests"] == "0" and told["x-ratelimit-reset-requests"] == "1m0s"
