"""Bodies that would harm are refused before they do."""

from __future__ import annotations

import gzip

import httpx
import pytest

from luthier.server.door.bodies import parse_json
from luthier.server.errors import Refused


def test_json_of_ten_thousand_levels_is_refused(server):
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        body = opening * 10_000 + b"1" + closing * 10_000
        answer = httpx.post(
            f"{server.url}/v1/fine_tuning/jobs",
            content=body,
            headers={"authorization": f"Bearer {server.client.api_key}", "content-type": "application/json"},
        )
        assert answer.status_code == 400 and answer.json()["error"]["type"] == "invalid_request_error"
        assert "nested" in answer.json()["error"]["message"]


def test_a_packed_body_is_never_unpacked(server):
    bomb = gzip.compress(b" " * (64 << 20) + b"{}")
    key = {"authorization": f"Bearer {server.client.api_key}", "content-type": "application/json"}

    answer = httpx.post(f"{server.url}/v1/fine_tuning/jobs", content=bomb, headers={**key, "content-encoding": "gzip"})

    assert answer.status_code == 400 and "not valid JSON" in answer.json()["error"]["message"]


def test_depth_is_counted_exactly():
    assert parse_json(b"[" * 64 + b"]" * 64, 64)
    with pytest.raises(Refused):
        parse_json(b"[" * 65 + b"]" * 65, 64)


def test_wide_json_is_fine():
    assert len(parse_json(b"[" + b"[1]," * 50_000 + b"[1]]", 64)) == 50_001


@pytest.mark.parametrize("path", ["/v1/fine_tuning/jobs", "/v1/chat/completions", "/v1/evals/x"])
def test_a_json_body_beyond_the_limit_is_refused_before_it_is_read(start, path):
    server = start("limits.json_megabytes=1")
    headers = {"authorization": f"Bearer {server.client.api_key}", "content-type": "application/json"}
    body = b'{"model": "' + b"x" * (3 << 20) + b'"}'

    whole = httpx.post(server.url + path, content=body, headers=headers)
    chunked = httpx.post(server.url + path, content=iter([body[:1000], body[1000:]]), headers=headers)

    for answer in (whole, chunked):
        assert answer.status_code == 413 and answer.json()["error"]["code"] == "request_too_large"


def test_nothing_of_a_body_is_read_without_a_key(start):
    server = start("limits.json_megabytes=1")

    answer = httpx.post(f"{server.url}/v1/fine_tuning/jobs", content=b"x" * (2 << 20))

    assert answer.status_code == 401
