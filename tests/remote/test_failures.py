"""What servers write about a failure, read as far as it can be."""

import json

import pytest

from luthier.remote.failures import asked_wait_seconds, error_of, may_pass


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after-ms": "250", "retry-after": "2"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:10 GMT"}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:27:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_the_wait_that_a_server_asks_for(headers, seconds):
    assert asked_wait_seconds(headers, now=1445412480.0) == seconds


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (json.dumps({"error": {"message": "bad  thing", "type": "x"}}), "bad thing"),
        (json.dumps({"error": "plain"}), "plain"),
        (json.dumps({"message": "flat"}), "flat"),
        (json.dumps(["odd"]), "['odd']"),
        ("<html>\n no </html>", "<html> no </html>"),
        ("", ""),
    ],
)
def test_messages_are_found_in_any_layout(body, message):
    assert error_of(body)[0] == message


def test_spent_money_does_not_come_back_by_waiting():
    assert may_pass(429, "{}")
    assert not may_pass(429, json.dumps({"error": {"code": "insufficient_quota"}}))
