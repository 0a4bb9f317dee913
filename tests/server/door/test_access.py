"""Keys: what they open, what they do not, and how often."""

from __future__ import annotations

import httpx
import openai
import pytest

from luthier.errors import RecipeError
from luthier.store import Asked, audit, keys, projects


def test_a_key_opens_what_its_scopes_name(server):
    only_files = server.new_client(scopes=("files",))
    admin = server.new_client(scopes=("admin",))

    assert only_files.files.list().data == []
    assert only_files.models.list().data
    with pytest.raises(openai.PermissionDeniedError) as refused:
        only_files.fine_tuning.jobs.list()
    assert refused.value.code == "missing_scope"
    assert admin.fine_tuning.jobs.list().data == []


def test_a_revoked_or_expired_key_and_an_archived_project_open_nothing(server):
    with server.store.database.writing() as connection:
        revoked = keys.create(connection, server.project_id, "a")
        keys.revoke(connection, server.project_id, revoked.key.id)
        expired = keys.create(connection, server.project_id, "b", expires_at=1)
        project = projects.create(connection, "old")
        archived = keys.create(connection, project.id, "c")
        connection.execute(
            projects.PROJECTS.table.update().where(projects.PROJECTS.table.c.id == project.id).values(archived_at=1)
        )

    for secret in (revoked.secret, expired.secret, archived.secret):
        with pytest.raises(openai.AuthenticationError) as refused:
            openai.OpenAI(base_url=f"{server.url}/v1", api_key=secret, max_retries=0).models.list()
        assert refused.value.code == "invalid_api_key" and secret not in str(refused.value)


def test_a_key_with_a_limit_is_told_to_wait(server):
    client = server.new_client(limits={"requests_per_minute": 2})

    first = client.models.with_raw_response.list()
    client.models.list()
    with pytest.raises(openai.RateLimitError) as refused:
        client.models.list()

    assert first.headers["x-ratelimit-limit-requests"] == "2"
    assert first.headers["x-ratelimit-remaining-requests"] == "1"
    assert refused.value.code == "rate_limit_exceeded"
    assert 0 < int(refused.value.response.headers["retry-after"]) <= 31


def test_organization_and_project_headers_are_accepted(server):
    client = server.client.with_options(organization="org-x", project="proj-y")

    assert client.models.list().data


def test_a_server_without_keys_answers_only_programs_on_its_own_machine(start):
    server = start("access=open")

    assert httpx.get(f"{server.url}/v1/models").status_code == 200
    assert httpx.get(f"{server.url}/v1/models", headers={"authorization": "Bearer anything"}).status_code == 200
    for headers in ({"host": "evil.example:80"}, {"origin": "https://evil.example"}):
        answer = httpx.get(f"{server.url}/v1/models", headers=headers)
        assert answer.status_code == 403 and answer.json()["error"]["code"] == "foreign_origin"


def test_a_server_without_keys_cannot_listen_to_the_network(start):
    with pytest.raises(RecipeError):
        start("access=open", "host=0.0.0.0")


def test_who_did_what_is_kept(server):
    file = server.client.files.create(file=("a.txt", b"x"), purpose="user_data")
    server.client.files.delete(file.id)

    with server.store.database.reading() as connection:
        lines = audit.page(connection, server.project_id, Asked()).items

    assert [(line.action, line.object_id) for line in lines] == [("file.delete", file.id), ("file.create", file.id)]
    assert all(line.key_id.startswith("key_") and line.request_id.startswith("req_") for line in lines)
