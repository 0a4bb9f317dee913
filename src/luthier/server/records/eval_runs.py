"""Runs of an eval, and the items that they graded."""

from __future__ import annotations

import time
from typing import Any, Literal

from sqlalchemy import Connection
from starlette.requests import Request

from luthier.evaluation.graders import parse_template
from luthier.jobs.evals.questions import is_asked
from luthier.jobs.evals.rows import SourceRefused, given_rows
from luthier.server.door.access import Asking, Call
from luthier.server.errors import invalid, missing
from luthier.server.records.evals import found_eval
from luthier.server.wire import eval_runs as wire
from luthier.server.wire.lists import asked_page, list_of
from luthier.store import Eval, EvalRun, evals, files, new_id, webhooks

UNNAMED = "Unnamed run"
PURPOSES = ("evals", "fine-tune", "user_data")
CANCELLABLE = ("queued", "in_progress")


def create(call: Asking, request: Request, eval_id: str, asked: wire.CreateRun) -> dict[str, Any]:
    """Rows in the request are checked at once, rows of a file when the run begins: then the run fails."""
    source = wire.kept_source(asked.data_source)
    _check_question(source)
    with call.state.store.database.reading() as connection:
        eval = found_eval(call, connection, eval_id)
        _check_source(call, connection, source["source"])
    _check_rows(eval, source["source"])
    run = EvalRun(
        id=new_id("evalrun_"),
        project_id=call.project_id,
        eval_id=eval_id,
        created_at=int(time.time()),
        name=asked.name or UNNAMED,
        model=source.get("model") or source["source"].get("model") or "",
        data_source=source,
        metadata=asked.metadata,
    )
    with call.state.store.database.writing() as connection:
        found_eval(call, connection, eval_id)
        evals.create_run(connection, run)
        call.note(connection, "eval_run.create", run.id, eval=eval_id, model=run.model)
        return call.answer_with(connection, wire.run_object(run, _address(request)))


def list_all(
    call: Asking,
    request: Request,
    eval_id: str,
    limit: int | None = None,
    after: str | None = None,
    order: str | None = None,
    status: Literal["queued", "in_progress", "completed", "canceled", "failed"] | None = None,
) -> dict[str, Any]:
    asked = asked_page(limit, after, order, default_order="asc")
    with call.state.store.database.reading() as connection:
        found_eval(call, connection, eval_id)
        page = evals.page_runs(connection, call.project_id, eval_id, asked, status)
    return list_of(page, lambda run: wire.run_object(run, _address(request)))


def retrieve(call: Asking, request: Request, eval_id: str, run_id: str) -> dict[str, Any]:
    with call.state.store.database.reading() as connection:
        return wire.run_object(_found(call, connection, eval_id, run_id), _address(request))


def cancel(call: Asking, request: Request, eval_id: str, run_id: str) -> dict[str, Any]:
    """At once; what was graded stays."""
    with call.state.store.database.writing() as connection:
        run = _found(call, connection, eval_id, run_id)
        if run.status not in CANCELLABLE:
            raise invalid(f"Cannot cancel a run with status '{run.status}'.", None)
        now = int(time.time())
        changed = evals.change_run(connection, call.project_id, run_id, status="canceled", finished_at=now)
        webhooks.announce(connection, call.project_id, "eval.run.canceled", run_id)
        call.note(connection, "eval_run.cancel", run_id)
    return wire.run_object(changed or run, _address(request))


def delete(call: Asking, eval_id: str, run_id: str) -> dict[str, Any]:
    with call.state.store.database.writing() as connection:
        if not evals.delete_run(connection, call.project_id, eval_id, run_id):
            raise missing("eval run", run_id, "run_id")
        call.note(connection, "eval_run.delete", run_id)
    return {"object": "eval.run.deleted", "deleted": True, "run_id": run_id}


def output_items(
    call: Asking,
    eval_id: str,
    run_id: str,
    limit: int | None = None,
    after: str | None = None,
    order: str | None = None,
    status: Literal["pass", "fail", "error"] | None = None,
) -> dict[str, Any]:
    asked = asked_page(limit, after, order, default_order="asc")
    with call.state.store.database.reading() as connection:
        _found(call, connection, eval_id, run_id)
        page = evals.page_items(connection, call.project_id, run_id, asked, status)
    return list_of(page, wire.item_object)


def output_item(call: Asking, eval_id: str, run_id: str, item_id: str) -> dict[str, Any]:
    with call.state.store.database.reading() as connection:
        _found(call, connection, eval_id, run_id)
        item = evals.find_item(connection, call.project_id, run_id, item_id)
    if item is None:
        raise missing("output item", item_id, "output_item_id")
    return wire.item_object(item)


def _found(call: Call, connection: Connection, eval_id: str, run_id: str) -> EvalRun:
    found = evals.find_run(connection, call.project_id, eval_id, run_id)
    if found is None:
        raise missing("eval run", run_id, "run_id")
    return found


def _check_question(source: dict[str, Any]) -> None:
    """Where a model is asked, which one and what; where none is, answers must be there already."""
    param = "data_source.input_messages"
    if not is_asked(source):
        if source["type"] != "jsonl" and source["source"]["type"] in ("file_content", "file_id"):
            raise invalid(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")
        return
    if not source.get("model"):
        raise invalid(
            "Missing required parameter: 'data_source.model'.", "data_source.model", "missing_required_parameter"
        )
    messages = source["input_messages"]
    if messages["type"] == "template":
        texts = [text for turn in messages["template"] for text in _texts(turn["content"])]
    else:
        written = messages["item_reference"].strip().removeprefix("{{").removesuffix("}}").strip()
        texts = ["{{" + written + "}}"]
    for text in texts:
        try:
            template = parse_template(text)
        except ValueError as problem:
            raise invalid(f"Invalid value for '{param}': {problem}.", param) from None
        if any(variable.path[0] != "item" for variable in template.variables):
            raise invalid(f"Invalid value for '{param}': there is no sample before the model is asked.", param)


def _texts(content: Any) -> list[str]:
    match content:
        case str():
            return [content]
        case list():
            return [text for part in content for text in _texts(part)]
        case dict():
            return [text for part in content.values() for text in _texts(part)]
        case _:
            return []


def _check_source(call: Call, connection: Connection, source: dict[str, Any]) -> None:
    if source["type"] != "file_id":
        return
    param = "data_source.source.id"
    file = files.find(connection, call.project_id, source["id"])
    if file is None:
        raise invalid(f"Invalid '{param}': no such file {source['id'][:80]}.", param)
    if file.purpose not in PURPOSES:
        raise invalid(f"Invalid '{param}': {file.id} has the purpose '{file.purpose}', not 'evals'.", param)


def _check_rows(eval: Eval, source: dict[str, Any]) -> None:
    if source["type"] == "file_content":
        try:
            given_rows(eval, source["content"])
        except SourceRefused as error:
            raise invalid(f"{error.found}.", "data_source.source.content") from None


def _address(request: Request) -> str:
    """Of this server, as the client called it."""
    return str(request.base_url).rstrip("/")
