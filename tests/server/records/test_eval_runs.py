"""Runs of evals and their output items through the official client."""

from __future__ import annotations

import json
import re
import time

import openai
import pytest
from openai.types.evals import RunDeleteResponse, RunRetrieveResponse
from openai.types.evals.runs import OutputItemListResponse

from replying import BASE, Replies, strictly, working
from some_evals import ASKED, MATCH, ROWS, finished, given, new_eval, reply, upload


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    aliases = f"models.aliases={{{BASE}: starter, text-embedding-3-small: starter}}"
    with working(tmp_path_factory.mktemp("evals"), Replies(reply), aliases) as running:
        yield running


def test_a_run_asks_the_model_and_grades_each_answer(server):
    eval = new_eval(server.client)

    run = finished(server.client, eval.id, {**ASKED, "source": given(*ROWS)}, name="first", metadata={"a": "b"})

    assert run.status == "completed" and run.model == BASE and run.name == "first"
    counts = run.result_counts
    assert (counts.total, counts.passed, counts.failed, counts.errored) == (3, 2, 1, 0)
    (told,) = run.per_testing_criteria_results
    assert (told.testing_criteria, told.passed, told.failed) == (eval.testing_criteria[0].id, 2, 1)
    (usage,) = run.per_model_usage
    assert (usage.run_model_name, usage.invocation_count, usage.total_tokens) == (BASE, 3, 21)
    document = run.model_dump(by_alias=True)
    assert document.pop("error") is None
    strictly(RunRetrieveResponse, {**document, "error": {"code": "", "message": ""}})


@pytest.mark.parametrize("purpose", ["evals", "fine-tune"])
def test_rows_with_their_answers_are_read_from_a_file(server, purpose):
    eval = new_eval(server.client)
    row = {**ROWS[0], "sample": {"output_text": "Hardware"}}
    source = {"type": "file_id", "id": upload(server.client, json.dumps(row), purpose)}
    run = server.client.evals.runs.with_raw_response.create(eval.id, data_source={"type": "jsonl", "source": source})

    over = finished(server.client, eval.id, {"type": "jsonl", "source": source})

    assert run.http_response.status_code == 201 and run.parse().id.startswith("evalrun_")
    assert over.result_counts.passed == 1


def test_output_items_hold_question_answer_and_score(server):
    eval = new_eval(server.client)
    run = finished(server.client, eval.id, {**ASKED, "source": given(*ROWS)})

    items = list(server.client.evals.runs.output_items.list(run.id, eval_id=eval.id, limit=1))

    assert sorted(item.datasource_item_id for item in items) == [0, 1, 2] and len({item.id for item in items}) == 3
    first = next(item for item in items if item.datasource_item_id == 0)
    assert first.status == "pass" and first.datasource_item == ROWS[0]["item"]
    assert [(turn.role, turn.content) for turn in first.sample.input] == [
        ("developer", "Answer with one word."),
        ("user", "My screen is dark"),
    ]
    assert first.sample.output[0].content == "Hardware" and first.sample.finish_reason == "stop"
    assert (first.sample.temperature, first.sample.max_completion_tokens, first.sample.seed) == (0.0, 64, 42)
    assert (first.results[0].name, first.results[0].score) == (eval.testing_criteria[0].id, 1.0)
    failed = list(server.client.evals.runs.output_items.list(run.id, eval_id=eval.id, status="fail"))
    assert [item.datasource_item_id for item in failed] == [2]
    one = server.client.evals.runs.output_items.retrieve(first.id, eval_id=eval.id, run_id=run.id)
    assert one.id == first.id
    document = one.model_dump(by_alias=True)
    document["sample"]["error"] = {"code": "", "message": ""}
    strictly(OutputItemListResponse, document)


def test_given_answers_are_graded_without_asking_anything(server):
    eval = new_eval(server.client)
    asked_before = len(server.state.inference.asked)
    rows = [
        {**ROWS[0], "sample": {"output_text": "Hardware"}},
        {**ROWS[1], "sample": {"choices": [{"message": {"role": "assistant", "content": "Hardware"}}]}},
        ROWS[2],
    ]

    run = finished(server.client, eval.id, {"type": "jsonl", "source": given(*rows)})

    assert run.result_counts.passed == 1 and run.result_counts.failed == 2
    assert len(server.state.inference.asked) == asked_before and run.per_model_usage == []
    items = list(server.client.evals.runs.output_items.list(run.id, eval_id=eval.id))
    told = {item.datasource_item_id: item.results[0].to_dict() for item in items}
    assert told[2]["error"] == "invalid_variable_error"


def test_rows_of_a_file_are_read_and_responses_are_asked(server):
    eval = new_eval(server.client)
    file_id = upload(server.client, "".join(json.dumps(row) + "\n" for row in ROWS))
    source = {
        **ASKED,
        "type": "responses",
        "source": {"type": "file_id", "id": file_id},
        "sampling_params": {"max_completion_tokens": 64, "text": {"format": {"type": "text"}}},
    }

    run = finished(server.client, eval.id, source)

    assert run.status == "completed", run.error
    assert run.result_counts.passed == 2 and run.per_model_usage[0].prompt_tokens == 15


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"item": {"text": "a"}}\n', "line 1 does not fit .*'label' is a required property"),
        ('{"item": {"text": "a", "label": "X"}}\n{"item": {"text": "a", "label": "x"}}\n', "line 2 .*does not match"),
        ("{nonsense\n", "line 1: the line is not valid JSON"),
        ("\n", "no rows"),
    ],
)
def test_a_file_that_does_not_fit_fails_the_run_before_anything_is_asked(server, content, message):
    eval = new_eval(server.client)
    asked_before = len(server.state.inference.asked)

    source = {"type": "file_id", "id": upload(server.client, content)}
    run = finished(server.client, eval.id, {**ASKED, "source": source})

    assert run.status == "failed"
    assert re.search(message, run.error.message)
    assert len(server.state.inference.asked) == asked_before


def test_all_kinds_of_criteria_grade_side_by_side(server):
    judge = {"model": BASE, "input": [{"role": "user", "content": "How polite is {{sample.output_text}}?"}]}
    label = {
        "model": BASE,
        "input": [{"role": "user", "content": "Kind of {{sample.output_text}}?"}],
        "labels": ["good", "bad"],
        "passing_labels": ["good"],
    }
    code = "def grade(sample, item):\n    return len(sample['output_text']) / 10"
    eval = new_eval(
        server.client,
        MATCH,
        {
            "type": "text_similarity",
            "name": "close",
            "input": "{{sample.output_text}}",
            "reference": "{{item.label}}",
            "evaluation_metric": "fuzzy_match",
            "pass_threshold": 0.8,
        },
        {"type": "python", "name": "long", "source": code, "pass_threshold": 0.7},
        {"type": "score_model", "name": "polite", "range": [0, 10], "pass_threshold": 7, **judge},
        {"type": "label_model", "name": "kind", **label},
        {
            "type": "text_similarity",
            "name": "near",
            "input": "{{sample.output_text}}",
            "reference": "{{item.label}}",
            "evaluation_metric": "cosine",
            "pass_threshold": 0.5,
        },
    )

    run = finished(server.client, eval.id, {**ASKED, "source": given(ROWS[0])})

    assert run.status == "completed", run.error
    (item,) = server.client.evals.runs.output_items.list(run.id, eval_id=eval.id)
    scores = {result.name.rpartition("-")[0].split("-")[0]: (result.score, result.passed) for result in item.results}
    assert scores["polite"] == (8.0, True) and scores["kind"] == (1.0, True) and scores["long"] == (0.8, True)
    assert scores["close"] == (1.0, True) and scores["near"][1] and item.status == "pass"
    assert run.per_model_usage[0].invocation_count == 3


def test_a_model_that_is_not_there_fails_the_run(server):
    eval = new_eval(server.client)

    run = finished(server.client, eval.id, {**ASKED, "model": "nobody", "source": given(*ROWS)})

    assert run.status == "failed" and run.error.code == "model_not_found"


def test_an_item_without_what_the_template_names_is_an_error_of_its_own(server):
    eval = new_eval(server.client, config={"type": "custom", "item_schema": {"type": "object"}})

    run = finished(server.client, eval.id, {**ASKED, "source": given(ROWS[0], {"item": {"label": "A"}})})

    assert run.status == "completed"
    assert (run.result_counts.errored, run.result_counts.passed, run.result_counts.total) == (1, 1, 2)
    (item,) = server.client.evals.runs.output_items.list(run.id, eval_id=eval.id, extra_query={"status": "error"})
    assert item.sample.error.code == "invalid_variable"


@pytest.mark.parametrize("path", ["/cancel", ""])
def test_a_run_is_cancelled_by_either_address(server, path):
    eval = new_eval(server.client)
    rows = [{"item": {"text": "slow", "label": "A"}}] * 300
    run = server.client.evals.runs.create(eval.id, data_source={**ASKED, "source": given(*rows)})

    cancelled = server.client.post(f"/evals/{eval.id}/runs/{run.id}{path}", cast_to=RunRetrieveResponse)

    assert cancelled.status == "canceled"
    time.sleep(0.3)
    assert server.client.evals.runs.retrieve(run.id, eval_id=eval.id).status == "canceled"
    with pytest.raises(openai.BadRequestError):
        server.client.evals.runs.cancel(run.id, eval_id=eval.id)


def test_stored_completions_are_graded_as_they_are_or_asked_again(server):
    client = server.new_client(server.new_project("stored").id)
    for text in ("My screen is dark", "The app crashed"):
        client.chat.completions.create(
            model=BASE, messages=[{"role": "user", "content": text}], store=True, metadata={"v": "1"}
        )
    client.chat.completions.create(model=BASE, messages=[{"role": "user", "content": "x"}], store=True)
    eval = new_eval(client, {**MATCH, "reference": "Hardware"}, config={"type": "logs", "metadata": {"v": "1"}})
    stored = {"type": "stored_completions", "metadata": {"v": "1"}, "model": BASE}

    replayed = finished(client, eval.id, {"type": "completions", "source": stored})
    again = {"type": "item_reference", "item_reference": "item.input"}
    asked = finished(client, eval.id, {**ASKED, "input_messages": again, "source": stored})

    for run in (replayed, asked):
        assert (run.status, run.result_counts.passed, run.result_counts.failed) == ("completed", 1, 1), run.error
    assert replayed.per_model_usage == [] and asked.per_model_usage[0].invocation_count == 2
    (item, _) = client.evals.runs.output_items.list(replayed.id, eval_id=eval.id)
    assert item.sample.input[0].content == "My screen is dark" and item.sample.output[0].content == "Hardware"


def test_stored_responses_are_a_source(server):
    client = server.new_client(server.new_project("responses").id)
    client.responses.create(model=BASE, input="My screen is dark", instructions="Be brief", store=True)
    client.responses.create(model=BASE, input="The app crashed", store=True)
    eval = new_eval(client, {**MATCH, "reference": "Hardware"}, config={"type": "logs"})
    source = {"type": "responses", "instructions_search": "BRIEF"}

    run = finished(client, eval.id, {"type": "responses", "source": source})

    assert run.status == "completed", run.error
    assert (run.result_counts.total, run.result_counts.passed) == (1, 1)


def test_other_projects_see_nothing(server):
    eval = new_eval(server.client)
    run = finished(server.client, eval.id, {**ASKED, "source": given(ROWS[0])})
    (item,) = server.client.evals.runs.output_items.list(run.id, eval_id=eval.id)
    other = server.new_client(server.new_project("stranger").id)

    for look in (
        lambda: other.evals.retrieve(eval.id),
        lambda: other.evals.update(eval.id, name="x"),
        lambda: other.evals.delete(eval.id),
        lambda: other.evals.runs.create(eval.id, data_source={**ASKED, "source": given(ROWS[0])}),
        lambda: other.evals.runs.list(eval.id),
        lambda: other.evals.runs.retrieve(run.id, eval_id=eval.id),
        lambda: other.evals.runs.cancel(run.id, eval_id=eval.id),
        lambda: other.evals.runs.delete(run.id, eval_id=eval.id),
        lambda: other.evals.runs.output_items.list(run.id, eval_id=eval.id),
        lambda: other.evals.runs.output_items.retrieve(item.id, eval_id=eval.id, run_id=run.id),
    ):
        with pytest.raises(openai.NotFoundError):
            look()
    assert not list(other.evals.list())


def test_runs_are_listed_by_status_and_deleted(server):
    eval = new_eval(server.client)
    good = finished(server.client, eval.id, {**ASKED, "source": given(ROWS[0])})
    bad = finished(server.client, eval.id, {**ASKED, "model": "nobody", "source": given(ROWS[0])})

    listed = [run.id for run in server.client.evals.runs.list(eval.id, status="failed")]

    assert listed == [bad.id] and [run.id for run in server.client.evals.runs.list(eval.id)] == [good.id, bad.id]
    gone = server.client.evals.runs.delete(good.id, eval_id=eval.id)
    strictly(RunDeleteResponse, gone.model_dump())
    with pytest.raises(openai.NotFoundError):
        server.client.evals.runs.retrieve(good.id, eval_id=eval.id)


@pytest.mark.parametrize(
    "sample",
    [{"choices": {"a": 1}}, {"choices": [3]}, {"usage": {"prompt_tokens": "x"}}, {"output_text": 5, "output_tools": 7}],
)
def test_given_answers_of_any_shape_are_graded(server, sample):
    eval = new_eval(server.client)
    row = {"item": {**ROWS[0]["item"], "input": 3}, "sample": sample}

    run = finished(server.client, eval.id, {"type": "jsonl", "source": given(row)})

    assert (run.status, run.result_counts.failed) == ("completed", 1), run.error
