"""Graders in a run: told before anything is computed, beside the metrics, and able to decide."""

import json

import pytest

from luthier.errors import RecipeError
from luthier.evaluation.graders import GraderError
from luthier.runs import finetune
from luthier.runs.arms.arm import load_arm
from luthier.runs.arms.graders import open_graders
from scripted_server import completion, scripted_server
from tiny import ticket_rows

CHECK = {"type": "string_check", "input": "{{item.ticket}}", "reference": "7", "operation": "like", "name": "seven"}


@pytest.fixture
def golden(tmp_path):
    """Golden rows with a key that is no part of the conversation."""
    file = tmp_path / "golden.jsonl"
    rows = [{**row, "ticket": f"number {7 if i % 2 else 8}"} for i, row in enumerate(ticket_rows(72)[60:])]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_a_grader_decides_a_run_and_its_scores_stand_beside_the_metrics(new_run, golden):
    code = {
        "type": "python",
        "name": "short",
        "source": "def grade(sample, item):\n    return len(sample['output_text']) < 9",
    }
    folder = new_run(
        f"data.golden={golden}",
        "evaluation.arms=[base, tuned]",
        f"evaluation.graders={json.dumps([CHECK, 'normalised', code])}",
        "evaluation.primary_metric=normalised",
    )
    list(finetune(folder))
    result, _ = load_arm(folder, "tuned")
    assert set(result.scores) >= {"token_f1", "exact_match", "seven", "normalised", "short"}
    row_count = len(golden.read_text().splitlines())
    assert sum(result.scores["seven"]) == pytest.approx(row_count / 2, abs=1), "its template reads the original row"
    report = json.loads((folder.path / "report.json").read_text(encoding="utf-8"))
    assert report["primary_metric"] == "normalised"
    assert {"normalised", "exact_match", "short"} <= set(report["arms"][0]["metrics"])


@pytest.mark.parametrize(
    ("graders", "place"),
    [
        ('[{"type": "nothing"}]', r"evaluation\.graders\[0\]\.type"),
        ('["exact", {"type": "regex", "pattern": "("}]', r"evaluation\.graders\[1\]\.pattern"),
        ('[{"type": "score_model", "model": "m", "input": [{"role": "user", "content": "x"}]}]', r"evaluation\.judge"),
    ],
)
def test_a_grader_that_cannot_be_used_is_told_before_anything_is_computed(new_run, graders, place):
    folder = new_run(f"evaluation.graders={graders}")
    with pytest.raises(GraderError, match=place) as told:
        list(finetune(folder))
    assert told.value.fix and not (folder.path / "data").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('evaluation.graders=["exact", "exact"]', "name that is taken"),
        ('evaluation.graders=[{"type": "exact", "name": "exact_match"}]', "name that is taken"),
        ('evaluation.graders=[{"name": "x"}]', "without a type"),
        ("evaluation.primary_metric=exact", "neither a metric nor a grader"),
        ('evaluation.graders=["exactly"]', "exact"),
    ],
)
def test_a_recipe_with_unclear_graders_is_refused(recipe, change, message):
    with pytest.raises(RecipeError, match=message):
        recipe(change)


def test_graders_without_code_or_judge_open_nothing(recipe):
    with open_graders(recipe('evaluation.graders=["exact", "rouge_l"]').evaluation) as graders:
        assert [grader.name for grader in graders] == ["exact", "rouge_l"]
        assert graders[0].tools.sandbox is None and graders[0].tools.judge is None


def test_the_judge_of_the_recipe_is_asked_whatever_model_a_grader_names(recipe):
    from luthier.evaluation import Answer
    from luthier.evaluation.graders import grade_answers
    from luthier.examples import Example, Message

    grader = {
        "type": "score_model",
        "model": "gpt-4o",
        "input": [{"role": "user", "content": "{{sample.output_text}}"}],
    }
    example = Example((Message("user", "q"), Message("assistant", "a")))
    with scripted_server() as server:
        server.replies = [completion('{"steps": [], "result": 1}')]
        judge = json.dumps({"base_url": server.base_url, "model": "ours"})
        settings = recipe(f"evaluation.graders={json.dumps([grader])}", f"evaluation.judge={judge}").evaluation
        with open_graders(settings) as (metric,):
            found = grade_answers(metric, [Answer("x")], [example])
    assert found.scores == (1.0,) and server.requests[0]["model"] == "ours"
