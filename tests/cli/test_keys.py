"""`luthier keys`: a key is shown once, works, is listed without its secret, and can be ended."""

from __future__ import annotations

import json
from pathlib import Path

from luthier.store import keys, open_store


def living(folder: Path, secret: str) -> bool:
    store = open_store(f"sqlite:///{folder / 'luthier.db'}", str(folder / "blobs"))
    with store.database.reading() as connection:
        found = keys.authenticate(connection, secret)
    store.close()
    return found is not None


def test_a_key_is_shown_once_listed_and_revoked(call, here):
    data = str(here / "data")
    made = json.loads(call("keys", "create", "--name", "ci", "--scopes", "files,jobs", "--data", data, "--json").out)

    listed = call("keys", "list", "--data", data).out
    assert living(here / "data", made["secret"])
    assert made["id"] in listed and "files,jobs" in listed and made["secret"] not in listed
    call("keys", "revoke", made["id"], "--data", data)
    assert not living(here / "data", made["secret"])
    assert "revoked" in call("keys", "list", "--data", data).out
    actions = [json.loads(line)["action"] for line in call("keys", "audit", "--data", data).out.splitlines()]
    assert actions == ["key.revoke", "key.create"]
    assert made["secret"] not in (here / "data" / "luthier.db").read_bytes().decode("latin-1")


def test_a_project_that_does_not_exist_is_made_for_a_key_and_for_nothing_else(call, here):
    data = str(here / "data")
    first = json.loads(call("keys", "create", "--name", "a", "--project", "team", "--data", data, "--json").out)
    second = json.loads(call("keys", "create", "--name", "b", "--project", "team", "--data", data, "--json").out)

    assert first["project_id"] == second["project_id"] != "proj_default"
    assert call("keys", "list", "--project", "nobody", "--data", data).code == 1
    assert call("keys", "create", "--name", "x", "--scopes", "all", "--data", data).code == 6
    assert call("keys", "revoke", "key_none", "--data", data).code == 1


def test_a_folder_that_no_server_has_used_is_told_and_not_made(call, here):
    for words in (("list",), ("audit",), ("revoke", "key_0")):
        outcome = call("keys", *words, "--data", "nowhere")

        assert outcome.code == 1 and "no server has kept anything" in outcome.err
    assert not (here / "nowhere").exists()
