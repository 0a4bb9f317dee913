"""Models through the official client: bases, aliases, tuned ones with slashes in their names, permissions."""

from __future__ import annotations

import time

import httpx
import openai
import pytest

from luthier.recipe import Base
from luthier.store import TunedModel, models, new_id
from luthier.store.permissions import PERMISSIONS

BASE = "gpt-4o-mini-2024-07-18"


@pytest.fixture
def tuned(server) -> str:
    """A tuned model whose base has a slash in its name."""
    return tuned_from(server, "acme/tiny-1")


def tuned_from(server, base: str, step: int | None = None) -> str:
    server.state.bases.setdefault(base, Base(base, "starter"))
    job = new_id("ftjob-")
    name = f"ft:{base}:my-org:support:{job[-8:]}" + (f":ckpt-step-{step}" if step else "")
    folder = models.folder_key(job, step)
    with server.store.database.writing() as connection:
        models.create(
            connection,
            TunedModel(name, server.project_id, base, job, "adapter", folder, "my-org", int(time.time()), step=step),
        )
    return name


def test_bases_and_tuned_models_are_listed_but_no_checkpoints(server, tuned):
    checkpoint = tuned_from(server, "starter", step=3)

    listed = {model.id: model for model in server.client.models.list()}

    assert {"starter", BASE, tuned} <= set(listed) and checkpoint not in listed
    assert listed[tuned].owned_by == "my-org" and listed[tuned].object == "model"
    assert server.client.models.retrieve(checkpoint).id == checkpoint
    assert server.client.models.retrieve(BASE).created > 0


def test_a_name_with_a_slash_is_found_encoded_or_not(server, tuned):
    headers = {"authorization": f"Bearer {server.client.api_key}"}

    assert server.client.models.retrieve(tuned).id == tuned
    for written in (tuned, tuned.replace("/", "%2F"), tuned.replace("/", "%2f").replace(":", "%3A")):
        answer = httpx.get(f"{server.url}/v1/models/{written}", headers=headers)
        assert answer.status_code == 200 and answer.json()["id"] == tuned
        path = f"/v1/fine_tuning/checkpoints/{written}/permissions"
        assert httpx.get(server.url + path, headers=headers).json()["data"] == []


def test_a_deleted_model_is_gone_and_a_base_cannot_be_deleted(server, tuned):
    gone = server.client.models.delete(tuned)

    assert gone.model_dump(exclude_none=True) == {"id": tuned, "object": "model", "deleted": True}
    for act in (server.client.models.retrieve, server.client.models.delete):
        with pytest.raises(openai.NotFoundError) as refused:
            act(tuned)
        assert refused.value.code == "model_not_found"
    with pytest.raises(openai.PermissionDeniedError):
        server.client.models.delete("starter")


def test_a_permission_lets_another_project_use_a_model_until_it_is_revoked(server, tuned):
    other = server.new_project()
    stranger = server.new_client(other.id)
    permissions = server.client.fine_tuning.checkpoints.permissions

    with pytest.raises(openai.NotFoundError):
        stranger.models.retrieve(tuned)
    given = permissions.create(tuned, project_ids=[other.id]).data
    assert [permission.project_id for permission in given] == [other.id] and given[0].id.startswith("cp_")
    assert stranger.models.retrieve(tuned).id == tuned
    with pytest.raises(openai.NotFoundError):
        stranger.models.delete(tuned)
    with pytest.raises(openai.NotFoundError):
        stranger.fine_tuning.checkpoints.permissions.list(tuned)
    gone = permissions.delete(given[0].id, fine_tuned_model_checkpoint=tuned)
    assert gone.deleted and gone.object == "checkpoint.permission"
    with pytest.raises(openai.NotFoundError):
        stranger.models.retrieve(tuned)


def test_permissions_are_listed_by_pages_in_both_orders(server, tuned):
    projects = [server.new_project().id for _ in range(3)]
    permissions = server.client.fine_tuning.checkpoints.permissions
    permissions.create(tuned, project_ids=projects)
    with server.store.database.writing() as connection:
        for place, project in enumerate(projects):
            connection.execute(
                PERMISSIONS.table.update()
                .where(PERMISSIONS.table.c.granted_project_id == project)
                .values(created_at=place)
            )

    assert [p.project_id for p in permissions.list(tuned, limit=2)] == projects[::-1]
    assert [p.project_id for p in permissions.list(tuned, order="ascending", limit=1)] == projects
    assert [p.project_id for p in permissions.list(tuned, project_id=projects[1])] == [projects[1]]
    page = permissions.list(tuned, limit=2)
    assert page.last_id == page.data[-1].id and page.has_more
    with pytest.raises(openai.BadRequestError):
        permissions.create(tuned, project_ids=["proj_unknown"])
