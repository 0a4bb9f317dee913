"""What a request for a job is refused for at once."""

from __future__ import annotations

from typing import Any

import pytest

from luthier.jobs import JobRefused
from luthier.store import DEFAULT_PROJECT, Store, TunedModel, models, projects
from some_jobs import ask, chat_rows, put_file

USER, ANSWER = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}
PREFERENCE = {"input": {"messages": [USER]}, "preferred_output": [ANSWER], "non_preferred_output": [ANSWER]}
GRADER = {
    "type": "string_check", "name": "g", "input": "{{sample.output_text}}", "reference": "{{item.a}}",
    "operation": "eq",
}  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"model": "none"}, "model"),
        ({"training_file": "file-none"}, "training_file"),
        ({"validation_file": "file-none"}, "validation_file"),
        ({"suffix": "a:b"}, "suffix"),
        ({"suffix": "a b"}, "suffix"),
        ({"suffix": "x" * 65}, "suffix"),
        ({"suffix": ""}, "suffix"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**31}, "seed"),
        ({"method": {"type": "magic"}}, "method.type"),
        ({"hyperparameters": {"n_epochs": 99}}, "hyperparameters.n_epochs"),
        ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]}, "integrations"),
        ({"method": {"type": "reinforcement", "reinforcement": {}}}, "method.reinforcement.grader"),
    ],
)
def test_a_wrong_field_is_named(store: Store, asked: dict[str, Any], param: str):
    with pytest.raises(JobRefused) as refused:
        ask(store, **asked)
    assert refused.value.param == param


def test_a_file_of_another_purpose_or_project_is_refused(store: Store):
    with store.database.writing() as connection:
        other = projects.create(connection, "other")
    foreign = put_file(store, chat_rows(12), project_id=other.id)
    for file in (put_file(store, chat_rows(12), purpose="batch"), foreign):
        with pytest.raises(JobRefused) as refused:
            ask(store, training_file=file)
        assert refused.value.param == "training_file"


def test_one_file_is_not_for_both(store: Store):
    file = put_file(store, chat_rows(12))
    with pytest.raises(JobRefused, match="must not be the training file"):
        ask(store, training_file=file, validation_file=file)


def test_a_seed_is_drawn_and_the_deprecated_hyperparameters_mean_supervised(store: Store):
    job = ask(store, hyperparameters={"n_epochs": 2}, metadata={"team": "a"})
    assert 0 <= job.seed < 2**31 and job.status == "validating_files"
    numbers = {"n_epochs": 2, "batch_size": "auto", "learning_rate_multiplier": "auto"}
    assert job.hyperparameters == numbers
    assert job.method == {"type": "supervised", "supervised": {"hyperparameters": numbers}}


def test_a_fine_tuned_model_can_be_gone_on_from(store: Store):
    name = "ft:tiny:acme::abcdefgh"
    with store.database.writing() as connection:
        models.create(
            connection, TunedModel(name, DEFAULT_PROJECT, "tiny", "ftjob-1", "adapter", "models/x", "acme", 1)
        )
    job = ask(store, model=name)
    assert (job.model, job.parent, job.asked_model) == ("tiny", name, name)


@pytest.mark.parametrize(
    ("method", "row"),
    [
        ({"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.1}}}, PREFERENCE),
        ({"type": "reinforcement", "reinforcement": {"grader": GRADER}}, {"messages": [USER], "a": "x"}),
    ],
)
def test_other_methods_are_checked_in_full_and_then_refused_as_not_yet_trainable(store: Store, method, row):
    with pytest.raises(JobRefused, match="The job is valid, but this server cannot train") as refused:
        ask(store, method=method, training_file=put_file(store, [row] * 10))
    assert (refused.value.code, refused.value.param) == ("method_not_supported", "method")
    with pytest.raises(JobRefused) as refused:
        ask(store, method=method, training_file=put_file(store, [row] * 9))
    assert (refused.value.code, refused.value.param) == ("invalid_n_examples", "training_file")
