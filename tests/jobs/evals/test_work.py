"""Eval runs survive their workers: every row graded once, and the totals count all of them."""

from __future__ import annotations

import threading
import time

import pytest

from luthier.jobs.background.asking import Answered
from luthier.jobs.background.station import Station
from luthier.jobs.evals.criteria import stored_criterion
from luthier.jobs.evals.sandboxes import LazySandbox
from luthier.jobs.evals.work import work_on_an_eval_run
from luthier.store import DEFAULT_PROJECT, EVAL_RUNS, Asked, Eval, EvalRun, Lease, Store, claim_one, evals, new_id

CRITERION = {
    "type": "string_check",
    "name": "same",
    "input": "{{sample.output_text}}",
    "reference": "{{item.text}}",
    "operation": "eq",
}


class Killed(BaseException):
    """As if the process had ended here."""


def a_run(store: Store, count: int) -> EvalRun:
    config = {"type": "custom", "item_schema": {"type": "object"}}
    eval = Eval(new_id("eval_"), DEFAULT_PROJECT, 1, 1, "n", config, [stored_criterion(CRITERION, "c")])
    source = {
        "type": "completions",
        "model": "m",
        "input_messages": {"type": "template", "template": [{"role": "user", "content": "{{item.text}}"}]},
        "source": {"type": "file_content", "content": [{"item": {"text": f"t{n}"}} for n in range(count)]},
    }
    run = EvalRun(new_id("evalrun_"), DEFAULT_PROJECT, eval.id, 1, "n", "m", source)
    with store.database.writing() as connection:
        evals.create(connection, eval)
        evals.create_run(connection, run)
    return run


def echo(_project_id, _path, body) -> Answered:
    text = body["messages"][-1]["content"]
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    return Answered(200, {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": usage}, "r")


def read(store: Store, run: EvalRun) -> EvalRun:
    with store.database.reading() as connection:
        found = evals.find_run(connection, DEFAULT_PROJECT, run.eval_id, run.id)
    assert found is not None
    return found


def rows(store: Store, run: EvalRun) -> list[int]:
    with store.database.reading() as connection:
        page = evals.page_items(connection, DEFAULT_PROJECT, run.id, Asked(1000, None, "asc"))
    return sorted(item.datasource_item_id for item in page.items)


def test_after_a_crash_another_worker_grades_only_what_is_left(store, monkeypatch):
    run = a_run(store, 30)
    asked: list[str] = []

    def dies(project_id, path, body):
        asked.append(body["messages"][-1]["content"])
        if len(asked) > 15:
            raise Killed
        return echo(project_id, path, body)

    monkeypatch.setattr("luthier.jobs.background.station.Held.let_go", lambda _held: None)
    with pytest.raises(Killed):
        work_on_an_eval_run(Station(store, "one", lease_seconds=0.2, at_once=2), dies, LazySandbox())
    monkeypatch.undo()
    before = rows(store, run)
    assert 0 < len(before) < 30 and read(store, run).status == "in_progress"
    time.sleep(0.25)
    again: list[str] = []

    def counted(project_id, path, body):
        again.append(body["messages"][-1]["content"])
        return echo(project_id, path, body)

    assert work_on_an_eval_run(Station(store, "two"), counted, LazySandbox())

    done = read(store, run)
    assert done.status == "completed" and rows(store, run) == list(range(30))
    assert len(again) == 30 - len(before)
    assert done.result_counts == {"total": 30, "passed": 30, "failed": 0, "errored": 0}
    assert done.per_model_usage[0]["invocation_count"] == 30
    assert done.per_testing_criteria_results[0]["passed"] == 30


def test_a_cancelled_run_stays_cancelled(store):
    run = a_run(store, 50)

    def cancels(project_id, path, body):
        with store.database.writing() as connection:
            evals.change_run(connection, DEFAULT_PROJECT, run.id, status="canceled")
        return echo(project_id, path, body)

    work_on_an_eval_run(Station(store, "one", at_once=1, lease_seconds=0.03), cancels, LazySandbox())

    assert read(store, run).status == "canceled" and len(rows(store, run)) < 50


def test_a_deleted_run_ends_quietly(store):
    run = a_run(store, 20)

    def deletes(project_id, path, body):
        with store.database.writing() as connection:
            evals.delete(connection, DEFAULT_PROJECT, run.eval_id)
        return echo(project_id, path, body)

    assert work_on_an_eval_run(Station(store, "one", at_once=1), deletes, LazySandbox())

    assert rows(store, run) == []


def test_a_run_that_somebody_holds_is_left_alone(store):
    run = a_run(store, 1)
    with store.database.writing() as connection:
        held = claim_one(connection, EVAL_RUNS, EVAL_RUNS.table.c.id == run.id, "other", 30.0)
    assert held is not None and Lease(held.id, "other", held.attempt)

    assert not work_on_an_eval_run(Station(store, "one"), echo, LazySandbox())


def test_several_workers_do_each_run_once(store):
    runs = [a_run(store, 4) for _ in range(5)]
    asked: list[str] = []

    def counted(project_id, path, body):
        asked.append(body["messages"][-1]["content"])
        return echo(project_id, path, body)

    def work(name: str) -> None:
        while work_on_an_eval_run(Station(store, name, at_once=2), counted, LazySandbox()):
            pass

    threads = [threading.Thread(target=work, args=(f"worker {n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(asked) == 20 and all(read(store, run).status == "completed" for run in runs)
