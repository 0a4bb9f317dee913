"""One POST that ends in any case."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from luthier.jobs.webhooks.addresses import Target
from luthier.jobs.webhooks.posting import NotDelivered, post


def at(port: int, is_tls: bool = False) -> Target:
    return Target("example.com", "127.0.0.1", port, is_tls, "/")


def raw_server(behave) -> int:
    """Does ``behave(connection)`` with the first caller."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            connection, _ = listener.accept()
            with connection:
                behave(connection)

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def drips(connection: socket.socket) -> None:
    """A byte now and then, so that no single read ever waits too long."""
    try:
        connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
        for _ in range(100):
            connection.sendall(b"y")
            time.sleep(0.02)
    except OSError:
        return


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_receiver_that_drips_is_ended_by_the_clock(is_tls: bool):
    begin = time.monotonic()

    with pytest.raises(NotDelivered):
        post(at(raw_server(drips), is_tls), b"{}", {}, seconds=0.3)

    assert time.monotonic() - begin < 1.0


def test_what_is_no_http_is_not_delivered_and_not_repeated():
    with pytest.raises(NotDelivered) as failed:
        post(at(raw_server(lambda connection: connection.sendall(b"SECRET\r\n\r\n"))), b"{}", {}, seconds=1.0)

    assert "SECRET" not in str(failed.value)


def test_a_closed_port_is_not_delivered():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(NotDelivered, match="ConnectionRefusedError"):
        post(at(port), b"{}", {}, seconds=1.0)


def test_a_long_answer_is_not_read():
    def pours(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                connection.sendall(b"z" * 65536)
        except OSError:
            return

    assert post(at(raw_server(pours)), b"{}", {}, seconds=2.0) == 200
