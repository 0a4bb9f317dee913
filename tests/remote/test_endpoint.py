"""Addresses and keys are checked before anything is sent."""

import pytest

from luthier.remote import Endpoint, RemoteError, open_client


@pytest.mark.parametrize(
    "base_url", ["", "localhost:8000/v1", "ftp://host/v1", "https://", "https://key@host/v1", "https://host/v1?key=abc"]
)
def test_what_is_no_address_is_refused(base_url):
    with pytest.raises(RemoteError, match="is no address of a server") as caught:
        open_client(Endpoint(base_url, "m"))
    assert "abc" not in str(caught.value) and "key@" not in str(caught.value)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_key_that_is_not_set_is_told_with_its_name(monkeypatch, value):
    monkeypatch.delenv("LUTHIER_NO_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("LUTHIER_NO_KEY", value)
    with pytest.raises(RemoteError, match="LUTHIER_NO_KEY is not set"):
        open_client(Endpoint("https://host/v1", "m", "LUTHIER_NO_KEY"))


def test_a_key_with_a_line_break_is_refused_without_showing_it(monkeypatch):
    monkeypatch.setenv("LUTHIER_BAD_KEY", "sk-abc\ndef")
    with pytest.raises(RemoteError, match="LUTHIER_BAD_KEY") as caught:
        open_client(Endpoint("https://host/v1", "m", "LUTHIER_BAD_KEY"))
    assert "sk-abc" not in str(caught.value)


def test_a_server_without_keys_gets_none():
    with open_client(Endpoint("http://localhost:8000/v1", "m")) as client:
        assert "authorization" not in client.headers
