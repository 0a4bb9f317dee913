"""`luthier eval`: a task for a model, and what it is told."""

import json

import pytest

ROWS = [{"q": f"{word}?", "a": word, "choices": [word, "never this"]} for word in ("card", "bill", "van", "shop")]
TASK = {
    "name": "words",
    "items": "items.jsonl",
    "prompt": "{{q}}",
    "graders": [
        {"type": "string_check", "name": "right", "input": "{{sample.output_text}}", "reference": "{{item.a}}"}
        | {"operation": "eq"}
    ],
    "decoding": {"max_new_tokens": 4},
}
CHOICE = {
    "task": "choice",
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": "items.jsonl"},
    "output_type": "multiple_choice",
    "doc_to_text": "q",
    "doc_to_choice": "choices",
    "doc_to_target": "{{a}}",
}


@pytest.fixture
def tasks(here):
    (here / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    (here / "task.yaml").write_text(json.dumps(TASK), encoding="utf-8")
    (here / "choice.yaml").write_text("\n".join(f"{k}: {json.dumps(v)}" for k, v in CHOICE.items()), encoding="utf-8")
    return here


def test_a_model_is_scored_with_intervals_and_everything_is_written_down(call, tasks, tiny_model):
    outcome = call("eval", "task.yaml", "--model", tiny_model, "--output", "out")
    assert outcome.code == 0
    assert "right" in outcome.out
    result = json.loads((tasks / "out" / "result.json").read_text("utf-8"))
    score = result["models"][0]["scores"]["right"]
    assert (score["n"], score["low"] <= score["mean"] <= score["high"]) == (4, True)
    name = result["models"][0]["model"]
    rows = (tasks / "out" / "evaluation" / f"{name}.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(row)["reference"] for row in rows] == [""] * 4


def test_choices_are_scored_by_log_probability_on_a_model_folder(call, tasks, tiny_model):
    outcome = call("eval", "choice.yaml", "--model", tiny_model, "--json")
    assert set(json.loads(outcome.out)["models"][0]["scores"]) == {"acc", "acc_norm"}


def test_two_models_are_compared_until_it_is_decided(call, tasks, tiny_model):
    outcome = call("eval", "task.yaml", "--model", tiny_model, "--against", tiny_model, "--until-decided")
    assert "Not decided between" in outcome.out


def test_what_was_written_becomes_files_of_other_tools(call, tasks, tiny_model):
    call("eval", "task.yaml", "--model", tiny_model, "--output", "out")
    log = call("results", "out", "--to", "inspect", "--output", "logs").out.strip()
    assert json.loads((tasks / log).read_text("utf-8"))["eval"]["task"] == "words"
    files = call("results", "out", "--to", "lm-eval", "--output", "lm").out.splitlines()
    assert [file.rpartition("/")[2].partition("_")[0] for file in files] == ["results", "samples"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--model FOLDER or --endpoint URL"),
        (("--endpoint", "http://localhost/v1"), "--model-name"),
        (("--model", "m", "--until-decided"), "--threshold or --against"),
        (("--model", "m", "--threshold", "50"), "belongs to --until-decided"),
        (("--model", "m", "--limit", "5"), "lm-eval:NAME"),
    ],
)
def test_options_that_cannot_be_meant_are_told(call, tasks, arguments, told):
    outcome = call("eval", "task.yaml", *arguments)
    assert (outcome.code, told in outcome.err) == (2, True)


def test_items_alone_are_no_task(call, tasks, tiny_model):
    outcome = call("eval", "items.jsonl", "--model", tiny_model)
    assert (outcome.code, "a task.yaml" in outcome.err) == (3, True)


def test_answers_that_are_not_there_cannot_be_written(call, here):
    outcome = call("results", ".", "--to", "inspect", "--output", "logs")
    assert (outcome.code, "holds no answers" in outcome.err) == (6, True)
