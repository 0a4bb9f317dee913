"""The outermost layer: clients that stop reading, too many at once, CORS only where it was allowed."""

from __future__ import annotations

import json
import socket
import threading
import time
from urllib.parse import urlsplit

import httpx

from luthier.answering import Delta
from server.conftest import BASE
from server.scripted_inference import ScriptedInference, wait_until


def test_a_client_that_never_reads_is_given_up(start):
    server = start("limits.silent_seconds=2", "limits.file_megabytes=64")
    file = server.client.files.create(file=("big.bin", b"x" * (48 << 20)), purpose="user_data").id
    address = urlsplit(server.url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((address.hostname, address.port))
        request = f"GET /v1/files/{file}/content HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {server.client.api_key}"
        connection.sendall(request.encode() + b"\r\n\r\n")

        deadline = time.monotonic() + 40
        while cut_count(server) == 0 and time.monotonic() < deadline:
            time.sleep(0.05)

    assert cut_count(server) == 1
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_a_stream_that_is_never_read_ends_the_work(start):
    told = ScriptedInference(pieces=(Delta(text="x" * 10_000),) * 10_000)
    server = start("limits.silent_seconds=0.5", inference=told)
    body = json.dumps({"model": BASE, "messages": [{"role": "user", "content": "hi"}], "stream": True})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {server.client.api_key}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    address = urlsplit(server.url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((address.hostname, address.port))
        connection.sendall((head + body).encode())

        assert wait_until(lambda: told.closed == 1, 20)

    assert told.ended == 0
    assert server.client.models.list().data


def cut_count(server) -> float:
    """Answers that began and were counted as over."""
    labels = {"method": "GET", "route": "/v1/files/{id}/content", "status": "200"}
    return server.state.metrics.registry.get_sample_value("luthier_requests_total", labels) or 0.0


def test_more_requests_than_may_be_open_are_told_to_come_again(start):
    server = start("limits.connections=1")
    held = threading.Event()

    def body():
        yield b"--x\r\n"
        held.set()
        time.sleep(1)

    headers = {"authorization": f"Bearer {server.client.api_key}", "content-type": "multipart/form-data; boundary=x"}
    slow = threading.Thread(target=lambda: httpx.post(f"{server.url}/v1/files", content=body(), headers=headers))
    slow.start()
    held.wait(5)
    time.sleep(0.1)

    answer = httpx.get(f"{server.url}/v1/models", headers=headers)

    slow.join()
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
    assert answer.json()["error"]["type"] == "server_error"


def test_web_pages_may_call_only_from_where_that_was_allowed(start, server):
    allowed = start("allowed_origins=['https://app.example.com']")
    asked = {"origin": "https://app.example.com", "access-control-request-method": "POST"}

    assert "access-control-allow-origin" not in httpx.options(f"{server.url}/v1/files", headers=asked).headers
    answer = httpx.options(f"{allowed.url}/v1/files", headers=asked)
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    stranger = httpx.options(f"{allowed.url}/v1/files", headers={**asked, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in stranger.headers
