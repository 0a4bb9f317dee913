"""Fine-tuning jobs through the official client, without a worker: what is asked, checked, listed and wished."""

from __future__ import annotations

import json

import openai
import pytest
from openai.types.fine_tuning import FineTuningJob

from luthier.store import idempotency, jobs

BASE = "gpt-4o-mini-2024-07-18"
ROWS = b'{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}\n' * 10
GRADER = {
    "type": "string_check",
    "name": "same",
    "input": "{{sample.output_text}}",
    "reference": "{{item.label}}",
    "operation": "eq",
}


@pytest.fixture
def file(server) -> str:
    return server.client.files.create(file=("train.jsonl", ROWS), purpose="fine-tune").id


def begin(server, file, **more):
    return server.client.fine_tuning.jobs.create(**{"model": BASE, "training_file": file, **more})


def test_a_job_is_answered_at_once_with_everything_the_clients_type(server, file):
    job = begin(server, file, suffix="support", seed=7, metadata={"team": "a"})

    assert job.id.startswith("ftjob-") and job.object == "fine_tuning.job" and job.status == "validating_files"
    assert job.model == BASE and job.training_file == file and job.seed == 7 and job.metadata == {"team": "a"}
    assert job.hyperparameters.model_dump(exclude_none=True) == {
        "n_epochs": "auto",
        "batch_size": "auto",
        "learning_rate_multiplier": "auto",
    }
    assert job.method.type == "supervised" and job.method.supervised.hyperparameters.n_epochs == "auto"
    assert job.error is None and job.fine_tuned_model is None and job.finished_at is None and job.result_files == []
    assert job.trained_tokens is None and job.estimated_finish is None and job.organization_id == "org-my-org"
    FineTuningJob.model_validate(job.to_dict(), strict=True)
    assert server.client.fine_tuning.jobs.retrieve(job.id) == job


def test_the_old_form_of_hyperparameters_still_means_supervised(server, file):
    job = begin(server, file, hyperparameters={"n_epochs": 2, "learning_rate_multiplier": 0.5})

    assert job.hyperparameters.n_epochs == 2 and job.method.supervised.hyperparameters.n_epochs == 2
    assert job.hyperparameters.batch_size == "auto" and job.hyperparameters.learning_rate_multiplier == 0.5


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"model": "no-such-model"}, "model"),
        ({"training_file": "file-nothing"}, "training_file"),
        ({"training_file": "../../etc/passwd"}, "training_file"),
        ({"validation_file": "file-nothing"}, "validation_file"),
        ({"suffix": "a:b"}, "suffix"),
        ({"suffix": "a/b"}, "suffix"),
        ({"suffix": "a b"}, "suffix"),
        ({"suffix": ""}, "suffix"),
        ({"suffix": "x" * 65}, "suffix"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**31}, "seed"),
        ({"metadata": {"k": "v" * 513}}, "metadata"),
        ({"metadata": {str(n): "v" for n in range(17)}}, "metadata"),
        ({"metadata": {"k": 1}}, "metadata.k"),
        ({"hyperparameters": {"n_epochs": 51}}, "hyperparameters.n_epochs"),
        (
            {"method": {"type": "supervised", "supervised": {"hyperparameters": {"batch_size": 257}}}},
            "method.supervised.hyperparameters.batch_size",
        ),
        (
            {"method": {"type": "supervised", "supervised": {"hyperparameters": {"learning_rate_multiplier": 0}}}},
            "method.supervised.hyperparameters.learning_rate_multiplier",
        ),
        ({"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": 2.5}}}}, "method.dpo.hyperparameters.beta"),
        ({"method": {"type": "magic"}}, "method.type"),
        ({"method": {"type": "reinforcement", "reinforcement": {}}}, "method.reinforcement.grader"),
        (
            {"method": {"type": "reinforcement", "reinforcement": {"grader": {"type": "x"}}}},
            "method.reinforcement.grader",
        ),
        ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]}, "integrations"),
        ({"extra_body": {"unknown_field": 1}}, "unknown_field"),
    ],
)
def test_what_cannot_be_trained_is_refused_naming_the_field(server, file, wrong, param):
    with pytest.raises(openai.BadRequestError) as refused:
        begin(server, file, **wrong)

    assert refused.value.type == "invalid_request_error" and refused.value.param == param
    assert server.client.fine_tuning.jobs.list().data == []


@pytest.mark.parametrize(
    ("method", "row"),
    [
        (
            {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.1}}},
            {
                "input": {"messages": [{"role": "user", "content": "hi"}]},
                "preferred_output": [{"role": "assistant", "content": "hello"}],
                "non_preferred_output": [{"role": "assistant", "content": "no"}],
            },
        ),
        (
            {"type": "reinforcement", "reinforcement": {"grader": GRADER, "hyperparameters": {"eval_interval": 5}}},
            {"messages": [{"role": "user", "content": "hi"}], "label": "hello"},
        ),
    ],
)
def test_methods_without_an_objective_are_refused_after_a_full_check(server, file, method, row):
    rows = "\n".join(json.dumps({**row, "n": n} if "label" in row else row) for n in range(10)).encode()
    fitting = server.client.files.create(file=("rows.jsonl", rows), purpose="fine-tune").id

    with pytest.raises(openai.BadRequestError) as refused:
        begin(server, fitting, method=method)
    with pytest.raises(openai.BadRequestError) as refused_rows:
        begin(server, file, method={"type": "dpo"})

    assert refused.value.code == "method_not_supported" and refused.value.param == "method"
    assert refused_rows.value.param == "training_file"


def test_a_file_of_another_purpose_is_no_training_file(server, file):
    other = server.client.files.create(file=("a.jsonl", ROWS), purpose="batch").id

    for wrong in ({"training_file": other}, {"validation_file": other}, {"validation_file": file}):
        with pytest.raises(openai.BadRequestError) as refused:
            begin(server, file, **wrong)
        assert refused.value.param == next(iter(wrong))


def test_jobs_are_listed_by_pages_and_by_metadata(server, file):
    made = [begin(server, file, metadata={"n": str(n % 2), "empty": ""}).id for n in range(4)]
    plain = begin(server, file).id
    list_jobs = server.client.fine_tuning.jobs.list

    assert [job.id for job in list_jobs(limit=2)] == [plain, *made[::-1]]
    assert list_jobs(limit=2).has_more and not list_jobs(limit=5).has_more
    assert [job.id for job in list_jobs(metadata={"n": "1"})] == [made[3], made[1]]
    assert len(list_jobs(metadata={"empty": ""}).data) == 4
    assert [job.id for job in list_jobs(extra_query={"metadata": "null"})] == [plain]
    with pytest.raises(openai.BadRequestError) as refused:
        list_jobs(after="ftjob-nothing")
    assert refused.value.param == "after"


def test_a_job_is_cancelled_and_paused_and_resumed_where_that_is_legal(server, file):
    work = server.client.fine_tuning.jobs
    job = begin(server, file)

    with pytest.raises(openai.BadRequestError):
        work.pause(job.id)
    with server.store.database.writing() as connection:
        jobs.JOBS.change(connection, server.project_id, job.id, status="queued")
    assert work.pause(job.id).status == "paused"
    with pytest.raises(openai.BadRequestError):
        work.pause(job.id)
    assert work.resume(job.id).status == "queued"
    with pytest.raises(openai.BadRequestError):
        work.resume(job.id)
    cancelled = work.cancel(job.id)
    assert cancelled.status == "cancelled" and cancelled.finished_at is not None
    for wish in (work.cancel, work.pause, work.resume):
        with pytest.raises(openai.BadRequestError) as refused:
            wish(job.id)
        assert refused.value.param == "id"
    for wish in (work.cancel, work.pause, work.resume, work.retrieve, work.list_events, work.checkpoints.list):
        with pytest.raises(openai.NotFoundError):
            wish("ftjob-nothing")


def test_a_create_that_is_sent_again_makes_one_job(server, file):
    given = {"Idempotency-Key": "once"}
    retried = {"x-stainless-retry-count": "1"}

    first, again = (begin(server, file, extra_headers=given) for _ in range(2))
    third = begin(server, file)
    fourth = begin(server, file, extra_headers=retried)
    fifth = begin(server, file)

    assert first.id == again.id and third.id == fourth.id and len({first.id, third.id, fifth.id}) == 3
    with pytest.raises(openai.BadRequestError):
        begin(server, file, suffix="other", extra_headers=given)


def test_a_create_that_broke_off_leaves_no_job_and_is_done_once_when_it_is_sent_again(server, file, monkeypatch):
    given = {"Idempotency-Key": "cut off"}

    def broken(*_given):
        raise RuntimeError("killed here")

    monkeypatch.setattr(idempotency, "keep", broken)
    with pytest.raises(openai.InternalServerError):
        begin(server, file, extra_headers=given)
    monkeypatch.undo()
    assert server.client.fine_tuning.jobs.list().data == []

    first, again = (begin(server, file, extra_headers=given) for _ in range(2))
    assert [job.id for job in server.client.fine_tuning.jobs.list()] == [first.id] == [again.id]
