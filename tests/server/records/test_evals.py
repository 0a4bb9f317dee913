"""Evals through the official client."""

from __future__ import annotations

import json

import openai
import pytest
from openai.types import EvalCreateResponse, EvalDeleteResponse

from replying import BASE, Replies, strictly, working
from some_evals import MATCH, TICKETS, new_eval, reply


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    aliases = f"models.aliases={{{BASE}: starter, text-embedding-3-small: starter}}"
    with working(tmp_path_factory.mktemp("evals"), Replies(reply), aliases) as running:
        yield running


def test_an_eval_is_made_and_shows_the_schema_of_what_templates_see(server):
    raw = server.client.evals.with_raw_response.create(
        name="Tickets", data_source_config=TICKETS, testing_criteria=[MATCH], metadata={"team": "a"}
    )

    assert raw.http_response.status_code == 201
    made = strictly(EvalCreateResponse, json.loads(raw.text))
    assert made.id.startswith("eval_") and made.metadata == {"team": "a"}
    schema = json.loads(raw.text)["data_source_config"]["schema"]
    assert schema["properties"]["item"] == TICKETS["item_schema"] and schema["required"] == ["item", "sample"]
    (criterion,) = made.testing_criteria
    assert criterion.id.startswith("Match label-") and len(criterion.id) == len("Match label-") + 36


def test_stored_completions_config_is_answered_with_a_schema(server):
    made = new_eval(server.client, config={"type": "stored_completions", "metadata": {"usecase": "chat"}})

    strictly(EvalCreateResponse, made.model_dump(by_alias=True))
    assert made.data_source_config.type == "stored_completions"
    assert made.data_source_config.metadata == {"usecase": "chat"}


def test_an_eval_is_read_renamed_listed_and_deleted(server):
    client = server.new_client(server.new_project("crud").id)
    made = [new_eval(client) for _ in range(3)]

    renamed = client.evals.update(made[0].id, name="New name", metadata={"k": "v"})

    assert renamed.name == "New name" and client.evals.retrieve(made[0].id).metadata == {"k": "v"}
    assert [eval.id for eval in client.evals.list(limit=2)] == [eval.id for eval in made]
    assert [eval.id for eval in client.evals.list(order="desc")] == [eval.id for eval in made][::-1]
    strictly(EvalDeleteResponse, client.evals.delete(made[0].id).model_dump())
    with pytest.raises(openai.NotFoundError):
        client.evals.retrieve(made[0].id)


@pytest.mark.parametrize(
    ("criterion", "param"),
    [
        ({**MATCH, "operation": "almost"}, "testing_criteria[0].operation"),
        (
            {"type": "text_similarity", "name": "n", "input": "a", "reference": "b", "evaluation_metric": "bleu"},
            "testing_criteria[0].pass_threshold",
        ),
        ({"type": "multi", "name": "m", "graders": {"a": MATCH}, "calculate_output": "a"}, "testing_criteria[0]"),
        ({"type": "python", "name": "p", "source": "def grade(x): return 1"}, "testing_criteria[0].source"),
        (
            {
                "type": "label_model",
                "name": "l",
                "model": "m",
                "input": [{"role": "user", "content": "x"}],
                "labels": ["a"],
                "passing_labels": ["b"],
            },
            "testing_criteria[0]",
        ),
    ],
)
def test_criteria_that_cannot_grade_are_refused_by_their_place(server, criterion, param):
    with pytest.raises(openai.BadRequestError) as refused:
        new_eval(server.client, criterion)

    assert refused.value.param == param


def test_an_item_schema_that_is_none_is_refused(server):
    with pytest.raises(openai.BadRequestError) as refused:
        new_eval(server.client, config={"type": "custom", "item_schema": {"type": "thing"}})

    assert refused.value.param == "data_source_config.item_schema"
