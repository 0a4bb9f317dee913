"""A task's graders give every answer all of their rewards."""

import pytest

from luthier.evaluation.answers import Answer
from luthier.evaluation.graders import GraderError, GraderTools
from luthier.evaluation.tasks import Task, TaskItem, grading_of, opened_tools
from luthier.recipe import TaskDecoding

CHECK = {"type": "string_check", "input": "{{sample.output_text}}", "operation": "eq"}
ITEM = TaskItem("1", {"capital": "Paris"}, targets=("Lutetia",))


def task(*graders) -> Task:
    return Task("t", "a", TaskDecoding(), graders=graders)


def test_graders_see_the_row_and_the_target():
    graded = task(
        CHECK | {"name": "a", "reference": "{{item.capital}}"}, CHECK | {"name": "b", "reference": "{{item.target}}"}
    )
    scored = grading_of(graded, GraderTools())(ITEM, Answer("Paris"))
    assert dict(scored.scores) == {"a": 1.0, "b": 0.0}
    assert scored.errors == ()


def test_what_kept_a_grader_from_judging_is_told():
    scored = grading_of(task(CHECK | {"name": "a", "reference": "{{item.town}}"}), GraderTools())(ITEM, Answer("x"))
    assert scored.scores["a"] == 0
    assert "invalid_variable_error" in scored.errors[0]


def test_a_grader_that_is_written_wrongly_is_told_with_its_place():
    with pytest.raises(GraderError, match=r"graders\.0"):
        grading_of(task({"type": "string_check", "name": "a"}), GraderTools())


def test_a_sandbox_is_opened_only_for_graders_that_run_code():
    with opened_tools(task(CHECK | {"name": "a", "reference": "x"})) as tools:
        assert tools.sandbox is None


def test_code_that_is_part_of_another_grader_is_found():
    source = "def grade(sample, item):\n    return 0.5"
    parts = {"code": {"type": "python", "name": "code", "source": source}}
    multi = {"type": "multi", "name": "a", "graders": parts, "calculate_output": "code * 2"}
    with opened_tools(task(multi)) as tools:
        assert grading_of(task(multi), tools)(ITEM, Answer("x")).scores["a"] == 1.0
