"""Evals: what is looked at, and the criteria that every answer must meet."""

from __future__ import annotations

import time
from typing import Any, Literal

from sqlalchemy import Connection

from luthier.evaluation.graders import GraderError
from luthier.jobs.evals.criteria import stored_criterion
from luthier.jobs.evals.item_schema import ItemChecker
from luthier.server.door.access import Asking, Call
from luthier.server.errors import Refused, invalid, missing
from luthier.server.wire import evals as wire
from luthier.server.wire.lists import asked_page, list_of
from luthier.store import Eval, evals, new_id

UNNAMED = "Unnamed eval"


def create(call: Asking, asked: wire.CreateEval) -> dict[str, Any]:
    config = wire.kept_config(asked.data_source_config)
    if config["type"] == "custom":
        try:
            ItemChecker(config["item_schema"])
        except ValueError as problem:
            param = "data_source_config.item_schema"
            raise invalid(f"Invalid value for '{param}': {problem}.", param) from None
    now = int(time.time())
    eval = Eval(
        id=new_id("eval_"),
        project_id=call.project_id,
        created_at=now,
        updated_at=now,
        name=asked.name or UNNAMED,
        data_source_config=config,
        testing_criteria=[_criterion(given, place) for place, given in enumerate(asked.testing_criteria)],
        metadata=asked.metadata,
    )
    with call.state.store.database.writing() as connection:
        evals.create(connection, eval)
        call.note(connection, "eval.create", eval.id)
        return call.answer_with(connection, wire.eval_object(eval))


def list_all(
    call: Asking,
    limit: int | None = None,
    after: str | None = None,
    order: str | None = None,
    order_by: Literal["created_at", "updated_at"] = "created_at",
) -> dict[str, Any]:
    asked = asked_page(limit, after, order, default_order="asc")
    with call.state.store.database.reading() as connection:
        return list_of(evals.page(connection, call.project_id, asked, order_by), wire.eval_object)


def retrieve(call: Asking, id: str) -> dict[str, Any]:
    with call.state.store.database.reading() as connection:
        return wire.eval_object(found_eval(call, connection, id))


def update(call: Asking, id: str, asked: wire.UpdateEval) -> dict[str, Any]:
    """Name and metadata alone: runs that are there were graded by the criteria as they are."""
    values: dict[str, Any] = {"updated_at": int(time.time())}
    values |= {"name": asked.name} if asked.name is not None else {}
    values |= {"metadata": asked.metadata} if "metadata" in asked.model_fields_set else {}
    with call.state.store.database.writing() as connection:
        changed = evals.change(connection, call.project_id, id, **values)
        if changed is None:
            raise no_eval(id)
        call.note(connection, "eval.update", id)
    return wire.eval_object(changed)


def delete(call: Asking, id: str) -> dict[str, Any]:
    """With its runs; one that is being worked on stops."""
    with call.state.store.database.writing() as connection:
        if not evals.delete(connection, call.project_id, id):
            raise no_eval(id)
        call.note(connection, "eval.delete", id)
    return {"object": "eval.deleted", "deleted": True, "eval_id": id}


def found_eval(call: Call, connection: Connection, id: str) -> Eval:
    """Raises 404, also for another project's."""
    found = evals.find(connection, call.project_id, id)
    if found is None:
        raise no_eval(id)
    return found


def no_eval(id: str) -> Refused:
    return missing("eval", id, "eval_id")


def _criterion(given: dict[str, Any], place: int) -> dict[str, Any]:
    try:
        return stored_criterion(given, f"testing_criteria[{place}]")
    except GraderError as error:
        raise invalid(f"{error.found}. Expected {error.expected}.", error.path) from None
