"""Checkpoint permissions: the owner of a tuned model lets other projects use it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from luthier.server.door.access import Asking, Call
from luthier.server.errors import invalid, missing, no_model
from luthier.server.records.jobs import HIGHEST_LIMIT
from luthier.server.wire import jobs as wire
from luthier.server.wire.lists import asked_page, list_body, list_of
from luthier.store import models, permissions, projects


def create(call: Asking, model: str, asked: wire.CreatePermissions) -> dict[str, Any]:
    with call.state.store.database.writing() as connection:
        _own(call, connection, model)
        for project_id in asked.project_ids:
            if projects.find(connection, project_id) is None:
                raise invalid("Invalid value for 'project_ids': no such project.", "project_ids")
        granted = permissions.grant(connection, call.project_id, model, asked.project_ids)
        call.note(connection, "permission.create", model, projects=asked.project_ids)
    return list_body([wire.permission_object(permission) for permission in granted])


def list_all(
    call: Asking,
    model: str,
    limit: int | None = None,
    after: str | None = None,
    order: str | None = None,
    project_id: str | None = None,
) -> dict[str, Any]:
    asked = asked_page(limit, after, order, default_limit=10, highest_limit=HIGHEST_LIMIT)
    with call.state.store.database.reading() as connection:
        _own(call, connection, model)
        page = permissions.page(connection, call.project_id, model, asked, project_id)
    return list_of(page, wire.permission_object)


def delete(call: Asking, model: str, id: str) -> dict[str, Any]:
    with call.state.store.database.writing() as connection:
        _own(call, connection, model)
        if not permissions.revoke(connection, call.project_id, model, id):
            raise missing("checkpoint permission", id, "permission_id")
        call.note(connection, "permission.delete", model, permission=id)
    return {"id": id, "object": "checkpoint.permission", "deleted": True}


def _own(call: Call, connection: Connection, model: str) -> None:
    if models.find(connection, call.project_id, model) is None:
        raise no_model(model)
