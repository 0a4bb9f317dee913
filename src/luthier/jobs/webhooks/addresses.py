"""Where a webhook may lead: names are resolved, the addresses looked at, and the connection made to just these.

A name that changes its mind between the look and the call (DNS rebinding) changes nothing: only the address that was
looked at is called.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from luthier.errors import LuthierError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Host and port to addresses; the system's own by default, another one in tests.
Resolve = Callable[[str, int], Sequence[str]]
NAT64 = ipaddress.ip_network("64:ff9b::/96")
# What clouds tell their own machines, keys among it. Most of it is link-local; these are not.
METADATA = tuple(
    ipaddress.ip_address(text) for text in ("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")
)
LONGEST_URL = 2048


class AddressRefused(LuthierError):
    """This server does not call this address."""


@dataclass(frozen=True)
class Target:
    """``address`` is what is connected to, ``host`` what is asked for and what a certificate must name."""

    host: str
    address: str
    port: int
    is_tls: bool
    path: str


def check_url(url: str, allows_private: bool) -> tuple[str, int, bool, str]:
    """Host, port, whether TLS, path with query. Looks at the text alone; raises AddressRefused."""
    if len(url) > LONGEST_URL or any(not "!" <= letter <= "~" for letter in url):
        raise _refused(f"a url must have 1 to {LONGEST_URL} characters, all of them ASCII and no blanks", "mend it")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _refused("the url cannot be read", "write it like https://example.com/hook") from None
    schemes = ("https", "http") if allows_private else ("https",)
    if parts.scheme not in schemes or not host:
        fix = "use https; http needs the server's setting webhooks.allow_private"
        raise _refused(f"the url must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}", fix)
    if parts.username is not None or parts.password is not None:
        raise _refused("the url holds a user name or password", "leave it out: deliveries are signed")
    is_tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, port or (443 if is_tls else 80), is_tls, path


def find_target(url: str, allows_private: bool, resolve: Resolve | None = None) -> Target:
    """Raises AddressRefused where any address of the name is one that must not be called, or there is none."""
    host, port, is_tls, path = check_url(url, allows_private)
    try:
        addresses = (resolve or _resolve)(host, port)
    except (OSError, UnicodeError):
        raise _refused("the host's name cannot be resolved", "look for a mistake in it") from None
    if not addresses:
        raise _refused("the host has no address", "look for a mistake in its name")
    for address in addresses:
        if not is_allowed(address, allows_private):
            # Which address it was is not told: that would answer questions about this network.
            raise _refused(
                "the url leads to an address inside a network, which this server does not call",
                "use a public address, or set webhooks.allow_private in the server's settings",
            )
    return Target(host, addresses[0], port, is_tls, path)


def is_allowed(text: str, allows_private: bool) -> bool:
    """Never metadata services and addresses that are no machine's; private ones only where it was said."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    for inner in (address, *_inside(address)):
        if inner in METADATA or inner.is_link_local or inner.is_multicast or inner.is_unspecified:
            return False
        if not (inner.is_global or allows_private) or (inner.is_reserved and not inner.is_loopback):
            return False
    return True


def _inside(address: Address) -> list[Address]:
    """IPv4 addresses that an IPv6 address carries through a gateway."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    carried: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    if address.teredo is not None:
        carried += address.teredo
    if address in NAT64:
        carried.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [inner for inner in carried if inner is not None]


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _refused(found: str, fix: str) -> AddressRefused:
    return AddressRefused(found, expected="the address of a receiver of webhooks", fix=fix)
