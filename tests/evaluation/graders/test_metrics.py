import pytest

from luthier.evaluation import Answer
from luthier.evaluation.graders import GraderMetric, GraderTools, JudgeAnswer, grade_answers, item_of, parse_grader
from luthier.examples import Example, Message, Origin
from published_graders import SCORE_MODEL

GOLDEN = [
    Example((Message("user", f"q{i}"), Message("assistant", f"a{i}")), origin=Origin("rows.jsonl", i)) for i in range(3)
]
ANSWERS = [Answer("a0"), Answer("A1"), Answer("no")]


def scores(document, tools=None, rows=None):
    given = tools or GraderTools()
    return grade_answers(GraderMetric("mine", parse_grader(document), given, rows or {}), ANSWERS, GOLDEN)


@pytest.mark.parametrize(
    ("document", "expected"),
    [({"type": "exact"}, (1, 0, 0)), ({"type": "normalised"}, (1, 1, 0)), ({"type": "numeric"}, (0, 0, 0))],
)
def test_a_built_in_by_its_type_alone_compares_with_the_reference(document, expected):
    assert scores(document).scores == expected


def test_an_item_is_the_original_row_with_what_every_row_has_beside_it():
    row = {"prompt": "q0", "reference": "own", "label": 3}
    item = item_of(GOLDEN[0], row)
    assert (item["label"], item["reference"], item["messages"]) == (3, "own", [{"role": "user", "content": "q0"}])
    assert item_of(GOLDEN[0])["reference"] == "a0"


def test_a_graders_template_reads_keys_that_only_the_row_has():
    rows = {example.origin: {"label": label} for example, label in zip(GOLDEN, ["a0", "x", "no"], strict=True)}
    document = {
        "type": "string_check",
        "input": "{{sample.output_text}}",
        "reference": "{{item.label}}",
        "operation": "eq",
    }
    assert scores(document, rows=rows).scores == (1, 0, 1)


def test_a_range_becomes_0_to_1_and_failures_are_0_and_counted():
    left = ["1", "5", "bad"]
    tools = GraderTools(judge=lambda _question: JudgeAnswer(left.pop(0)))
    document = {**SCORE_MODEL, "range": [-5, 5], "input": [{"role": "user", "content": "{{sample.output_text}}"}]}
    found = scores(document, tools)
    assert found.scores == (0.6, 1.0, 0.0)
    assert found.notes[0] == "grader mine: errors in 1 of 3 grades (model_grader_parse_error 1)"
    assert "o4-mini-2025-04-16 read 0 and wrote 0 tokens" in found.notes[-1]


def test_rewards_beyond_0_and_1_are_cut_and_told():
    part = {"type": "exact"}
    found = scores({"type": "multi", "graders": {"a": part}, "calculate_output": "3 * a - 1"})
    assert found.scores == (1.0, 0.0, 0.0)
    assert found.notes == ("grader mine: 3 of 3 rewards were beyond 0 and 1 and were cut",)
    assert [one.reward for one in found.grades] == [2.0, -1.0, -1.0]


def test_many_at_once_keep_their_order():
    assert scores({"type": "exact"}, GraderTools(at_once=3)).scores == (1, 0, 0)
