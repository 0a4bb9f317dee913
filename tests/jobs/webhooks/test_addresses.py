"""Which addresses a webhook may lead to."""

from __future__ import annotations

import pytest

from luthier.jobs.webhooks.addresses import AddressRefused, check_url, find_target, is_allowed


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "8.8.8.8"])
def test_public_addresses_are_called(address):
    assert is_allowed(address, allows_private=False)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.10", "10.1.2.3", "172.31.0.1", "192.168.0.1", "100.64.0.1", "169.254.1.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1",
        "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "fe80::1%eth0", "::ffff:0:0", "nonsense",
        "2001:0:7f00:1::80ff:fffe",
    ],
)  # fmt: skip
def test_addresses_inside_networks_are_not(address):
    assert not is_allowed(address, allows_private=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "::1", "fc00::1"])
def test_private_addresses_are_called_where_it_was_said(address):
    assert is_allowed(address, allows_private=True)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fe80::a9fe:a9fe",
        "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "0.0.0.0", "224.0.0.1",
    ],
)  # fmt: skip
def test_metadata_services_are_never_called(address):
    assert not is_allowed(address, allows_private=True)


def test_one_bad_address_among_many_is_enough():
    with pytest.raises(AddressRefused, match="inside a network"):
        find_target("https://example.com/", False, lambda _host, _port: ["8.8.8.8", "10.0.0.1"])


def test_a_refusal_does_not_tell_which_address_it_was():
    with pytest.raises(AddressRefused) as refused:
        find_target("https://example.com/", False, lambda _host, _port: ["10.0.0.77"])

    assert "10.0.0.77" not in str(refused.value)


def test_a_target_keeps_name_port_path_and_query():
    target = find_target("https://example.com:8443/a/b?c=d#e", False, lambda _host, _port: ["8.8.8.8"])

    assert (target.host, target.address, target.port, target.path) == ("example.com", "8.8.8.8", 8443, "/a/b?c=d")


def test_a_name_that_cannot_be_resolved_is_refused():
    def fails(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(AddressRefused, match="cannot be resolved"):
        find_target("https://example.com/", False, fails)


def test_http_needs_the_setting():
    assert check_url("http://example.com", allows_private=True) == ("example.com", 80, False, "/")
    with pytest.raises(AddressRefused, match="https"):
        check_url("http://example.com", allows_private=False)
