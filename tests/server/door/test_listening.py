"""The socket's side: long heads, slow heads, slow bodies, broken HTTP, and an end that lets requests end."""

from __future__ import annotations

import logging
import socket
import threading
import time
from urllib.parse import urlsplit

import httpx
import pytest


def connected(server) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=20)


def answer_to(server, *pieces: bytes, pause: float = 0.0) -> bytes:
    with connected(server) as connection:
        for piece in pieces:
            try:
                connection.sendall(piece)
            except ConnectionError:
                break
            time.sleep(pause)
        read = b""
        try:
            while more := connection.recv(65536):
                read += more
        except ConnectionError:
            pass
        return read


def test_a_head_of_a_megabyte_is_refused_in_the_envelope(server):
    answer = answer_to(server, b"GET /healthz HTTP/1.1\r\nhost: x\r\nlong: " + b"x" * (1 << 20))

    assert answer.startswith(b"HTTP/1.1 400 ") and b'"invalid_request_error"' in answer and b"x-request-id" in answer
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_what_is_no_http_is_refused_and_logged(server, caplog):
    caplog.set_level(logging.INFO, "luthier.server")
    for nonsense in (b"\x16\x03\x01\x00\xa5", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nbad header\r\n\r\n"):
        assert answer_to(server, nonsense + b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")

    told = [record.fields for record in caplog.records if record.getMessage() == "not_http"]
    assert len(told) == 3 and all(fields["request_id"].startswith("req_") for fields in told)
    assert {fields["address"] for fields in told} == {"127.0.0.1"}


def test_two_lengths_or_a_length_and_chunks_are_no_request(server):
    for heads in (b"content-length: 3\r\ncontent-length: 4", b"content-length: 3\r\ntransfer-encoding: chunked, x"):
        answer = answer_to(server, b"POST /v1/files HTTP/1.1\r\nhost: x\r\n" + heads + b"\r\n\r\nabcd")
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))


def test_a_head_sent_letter_by_letter_does_not_hold_a_connection(start, caplog):
    caplog.set_level(logging.INFO, "luthier.server")
    server = start("limits.head_seconds=0.5")
    begin = time.monotonic()

    answer = answer_to(server, *(bytes([letter]) for letter in b"GET /healthz HT"), pause=0.1)

    assert answer == b"" and time.monotonic() - begin < 5
    with httpx.Client() as client:
        assert client.get(f"{server.url}/healthz").status_code == 200
        time.sleep(0.8)
        assert client.get(f"{server.url}/healthz").status_code == 200
    assert [record.getMessage() for record in caplog.records].count("slow_head") == 1


@pytest.mark.parametrize("path", ["/v1/fine_tuning/jobs", "/v1/chat/completions"])
def test_a_body_that_stops_coming_is_given_up(start, path):
    server = start("limits.silent_seconds=0.5")
    head = (
        f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {server.client.api_key}\r\n"
        "content-type: application/json\r\ncontent-length: 100\r\n\r\n{"
    )

    answer = answer_to(server, head.encode())

    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_drips_is_given_up(start):
    server = start("limits.silent_seconds=0.5")
    head = (
        f"POST /v1/fine_tuning/jobs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {server.client.api_key}\r\n"
        "content-type: application/json\r\ncontent-length: 100000\r\n\r\n{"
    )

    answer = answer_to(server, head.encode(), *[b" "] * 20, pause=0.1)

    assert answer.startswith(b"HTTP/1.1 408 ") and b"too slowly" in answer


def test_many_slow_uploads_leave_the_server_answering(start):
    server = start("limits.uploads_at_once=2", "limits.silent_seconds=20")
    head = (
        f"POST /v1/files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {server.client.api_key}\r\n"
        "content-type: multipart/form-data; boundary=x\r\ncontent-length: 1000\r\n\r\n--x\r\n"
    ).encode()
    slow = [connected(server) for _ in range(50)]
    for connection in slow:
        connection.sendall(head)
    begin = time.monotonic()

    assert server.client.files.list().data == []

    assert time.monotonic() - begin < 2
    for connection in slow:
        connection.close()


def test_a_running_request_ends_before_the_server_does(tmp_path):
    from server.conftest import serving

    answers = []
    with serving(tmp_path) as server:
        url, key = server.url, server.client.api_key

        def send() -> None:
            def body():
                yield b"--x\r\ncontent-disposition: form-data; name=purpose\r\n\r\nuser_data\r\n"
                time.sleep(0.5)
                yield b"--x\r\ncontent-disposition: form-data; name=file; filename=a\r\n\r\nabc\r\n--x--\r\n"

            headers = {"authorization": f"Bearer {key}", "content-type": "multipart/form-data; boundary=x"}
            answers.append(httpx.post(f"{url}/v1/files", content=body(), headers=headers))

        thread = threading.Thread(target=send)
        thread.start()
        time.sleep(0.2)
    thread.join()

    assert answers[0].status_code == 200
