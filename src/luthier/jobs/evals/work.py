"""One eval run at a time: read its rows, ask the model, grade, write each item down once; after a crash, go on."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any

from luthier.errors import LuthierError, StorageError
from luthier.evaluation.graders import Grader, GraderError, GraderTools, UnknownVariable
from luthier.jobs.background.abreast import abreast
from luthier.jobs.background.asking import Ask, Dropped, Patience
from luthier.jobs.background.station import Held, Station, hold_one
from luthier.jobs.evals.answers import Answer, answer_of, given_answer, unasked
from luthier.jobs.evals.criteria import asking_tools, grader_of, result_of
from luthier.jobs.evals.questions import is_asked, question
from luthier.jobs.evals.rows import Row, run_rows
from luthier.jobs.evals.sandboxes import LazySandbox
from luthier.jobs.evals.totals import totals_of
from luthier.store import (
    EVAL_RUNS,
    BlobMissing,
    Eval,
    EvalRun,
    LeaseLost,
    OutputItem,
    UnstorableText,
    evals,
    new_id,
    webhooks,
)

LOG = logging.getLogger("luthier.jobs")


class RunFailed(Exception):
    """The run cannot go on, whoever tries."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.error = {"code": code, "message": message}


@dataclass(frozen=True)
class Grading:
    """What every row of one run is worked on with."""

    eval: Eval
    run: EvalRun
    graders: Sequence[Grader]
    tools: GraderTools
    patience: Patience


def work_on_an_eval_run(station: Station, ask: Ask, sandbox: LazySandbox) -> bool:
    """False where there is none to work on."""
    ready = EVAL_RUNS.table.c.status.in_(evals.WORKABLE)
    held = hold_one(station, EVAL_RUNS, ready, status="in_progress")
    if held is None:
        return False
    with contextlib.suppress(LeaseLost):
        try:
            _go_on(held, ask, sandbox)
        except RunFailed as failure:
            _end(held, "failed", error=failure.error)
        except BlobMissing:
            _end(held, "failed", error={"code": "file_missing", "message": "the content of the file is gone"})
        except UnstorableText as error:
            _end(held, "failed", error={"code": "invalid_data_source", "message": error.found})
        except StorageError:
            raise
        except LuthierError as error:
            _end(held, "failed", error={"code": "invalid_data_source", "message": error.found})
        except Exception:
            if not held.is_last_attempt:
                raise
            LOG.exception("eval_run_given_up", extra={"fields": {"run": held.record.id}})
            _end(held, "failed", error={"code": "server_error", "message": "the server had an error in this run"})
        finally:
            held.let_go()
    return True


def _go_on(held: Held[EvalRun], ask: Ask, sandbox: LazySandbox) -> None:
    run, database = held.record, held.station.store.database
    with database.reading() as connection:
        eval = evals.find(connection, run.project_id, run.eval_id)
        graded = evals.graded_rows(connection, run.project_id, run.id)
    if eval is None:
        return
    patience = Patience(ask)
    graders = [grader_of(criterion) for criterion in eval.testing_criteria]
    tools = asking_tools(partial(patience, run.project_id), sandbox, graders)
    grading = Grading(eval, run, graders, tools, patience)
    total = _check_rows(held, eval)
    if _is_over(held):
        return
    rows = (row for row in run_rows(held.station.store, eval, run) if row.number not in graded)
    left = takewhile(lambda _: not patience.halted.is_set(), rows)
    try:
        for portion in abreast(left, partial(_item_of, grading), held.station.at_once, 1.0):
            _record(held, [item for item in portion if item is not None], total)
            if _is_over(held):
                patience.halted.set()
    finally:
        patience.halted.set()
    if not _is_over(held):
        _end(held, "completed")


def _check_rows(held: Held[EvalRun], eval: Eval) -> int:
    """All rows are looked at before any model is asked; returns how many there are."""
    total = 0
    for row in run_rows(held.station.store, eval, held.record):
        total = row.number + 1
        if total % 100 == 0 and _is_over(held):
            return total
    if total == 0:
        raise RunFailed("empty_data_source", "the data source holds no rows")
    return total


def _is_over(held: Held[EvalRun]) -> bool:
    return held.breathe().status != "in_progress" or held.station.stopping.is_set()


def _item_of(grading: Grading, row: Row) -> OutputItem | None:
    """None where the work was stopped. Raises RunFailed where no row can be asked."""
    try:
        answer = _answer(grading, row)
    except Dropped:
        return None
    results: list[dict[str, Any]] = []
    status = "error"
    if answer.sample is not None:
        try:
            results = [
                result_of(criterion, grader, row.item, answer.sample, grading.tools)
                for criterion, grader in zip(grading.eval.testing_criteria, grading.graders, strict=True)
            ]
        except Dropped:
            return None
        except GraderError as error:
            raise RunFailed("grader_unavailable", error.found) from None
        status = "pass" if all(result["passed"] for result in results) else "fail"
    run = grading.run
    return OutputItem(
        new_id("outputitem_"),
        run.project_id,
        run.eval_id,
        run.id,
        int(time.time()),
        row.number,
        status,
        row.item,
        results,
        answer.shown,
    )


def _answer(grading: Grading, row: Row) -> Answer:
    source, run = grading.run.data_source, grading.run
    if not is_asked(source):
        return given_answer(row, run.model)
    try:
        path, body = question(source, row)
    except UnknownVariable as problem:
        message = f"the item has no {problem}"
        return unasked(run.model, {"code": "invalid_variable", "message": message})
    answered = grading.patience(run.project_id, path, body)
    if answered.status == 404 and answered.error["code"] == "model_not_found":
        raise RunFailed("model_not_found", answered.error["message"])
    return answer_of(path, body, answered)


def _record(held: Held[EvalRun], items: list[OutputItem], total: int) -> None:
    if not items:
        return
    with held.station.store.database.writing() as connection:
        held.write(connection)
        for item in items:
            evals.add_item(connection, item)
        counts = evals.count_items(connection, held.record.project_id, held.record.id)
        held.write(connection, result_counts=counts_shown(counts, total))


def counts_shown(counts: dict[str, int], total: int) -> dict[str, int]:
    return {
        "total": total,
        "passed": counts.get("pass", 0),
        "failed": counts.get("fail", 0),
        "errored": counts.get("error", 0),
    }


def _end(held: Held[EvalRun], status: str, error: dict[str, Any] | None = None) -> None:
    """Unless it was cancelled meanwhile."""
    totals = totals_of(held)
    with held.station.store.database.writing() as connection:
        run = held.write(connection)
        if run.status != "in_progress":
            return
        held.write(connection, status=status, error=error, finished_at=int(time.time()), **totals)
        event = "eval.run.succeeded" if status == "completed" else "eval.run.failed"
        webhooks.announce(connection, run.project_id, event, run.id)
