"""Keys are shown once, stored as hashes, and die when revoked."""

from __future__ import annotations

import time

import pytest

from luthier.errors import StorageError
from luthier.store import DEFAULT_PROJECT, Store, keys


def test_a_key_opens_and_nothing_like_it_does(store: Store):
    with store.database.writing() as connection:
        new = keys.create(connection, DEFAULT_PROJECT, "ci", ["files"], {"requests_per_minute": 60})
        found = keys.authenticate(connection, new.secret)
        assert found is not None and found.id == new.key.id and found.limits == {"requests_per_minute": 60}
        assert found.may("files") and not found.may("jobs")
        for wrong in ("", "sk-", new.secret[:-1], new.secret + "0", new.secret.upper(), "sk-\ud800", new.key.hash):
            assert keys.authenticate(connection, wrong) is None


def test_the_whole_key_is_nowhere_in_what_is_stored_or_shown(store: Store):
    with store.database.writing() as connection:
        new = keys.create(connection, DEFAULT_PROJECT, "ci")
    assert new.secret not in str(vars(new.key))
    assert new.key.hash not in str(keys.shown(new.key)) and new.secret not in str(keys.shown(new.key))


def test_a_revoked_or_expired_key_is_no_key(store: Store):
    with store.database.writing() as connection:
        revoked = keys.create(connection, DEFAULT_PROJECT, "revoked")
        expired = keys.create(connection, DEFAULT_PROJECT, "expired", expires_at=int(time.time()) - 1)
        keys.revoke(connection, DEFAULT_PROJECT, revoked.key.id)
        assert keys.authenticate(connection, revoked.secret) is None
        assert keys.authenticate(connection, expired.secret) is None


def test_admin_may_everything():
    key = keys.ApiKey("key_1", DEFAULT_PROJECT, "a", "sk-", "", ["admin"], 0)
    assert all(key.may(scope) for scope in keys.SCOPES)


def test_an_unknown_scope_is_refused(store: Store):
    with pytest.raises(StorageError, match="unknown scope"), store.database.writing() as connection:
        keys.create(connection, DEFAULT_PROJECT, "x", ["everything"])
