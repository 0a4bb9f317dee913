"""One POST to one checked address: no redirects, no proxies, nothing read but the status, and an end in any case."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping

from luthier.jobs.webhooks.addresses import Target

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 15.0


class NotDelivered(Exception):
    """No answer came; the text says why, without anything the other side wrote."""


def post(target: Target, body: bytes, headers: Mapping[str, str], seconds: float = WHOLE_SECONDS) -> int:
    """The status of the answer. Raises NotDelivered."""
    connection = _Pinned(target, min(CONNECT_SECONDS, seconds))
    # Timeouts of sockets are per read: a receiver that sends a byte now and then is ended by the clock.
    clock = threading.Timer(seconds, connection.cut)
    clock.daemon = True
    clock.start()
    try:
        connection.request("POST", target.path, body, {"content-type": "application/json", **headers})
        status = connection.getresponse().status
        if connection.is_cut:
            # To http.client, a head that breaks off is a head that ends.
            raise TimeoutError
        return status
    except ssl.SSLCertVerificationError:
        raise NotDelivered("the receiver's certificate is not valid") from None
    except TimeoutError:
        raise NotDelivered("the receiver did not answer in time") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotDelivered(f"the connection failed ({type(error).__name__})") from None
    finally:
        clock.cancel()
        connection.close()


class _Pinned(http.client.HTTPConnection):
    """Connects to the address that was checked; `Host` and the certificate keep the name."""

    def __init__(self, target: Target, seconds: float):
        super().__init__(target.host, target.port, timeout=seconds)
        self.default_port = 443 if target.is_tls else 80
        self._target = target
        self.is_cut = False

    def connect(self) -> None:
        raw = socket.create_connection((self._target.address, self._target.port), self.timeout)
        self.sock = raw
        if self._target.is_tls:
            context = ssl.create_default_context()
            # The handshake comes after, so that the clock can end it too.
            wrapped = context.wrap_socket(raw, server_hostname=self._target.host, do_handshake_on_connect=False)
            self.sock = wrapped
            wrapped.do_handshake()
        if self.is_cut:
            raise TimeoutError

    def cut(self) -> None:
        """From another thread: whatever is waited for ends."""
        self.is_cut = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return
