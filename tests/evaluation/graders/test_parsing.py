import pytest

from luthier.evaluation.graders import GRADER_TYPES, GraderError, parse_grader, stored_grader
from published_graders import CATEGORY, LABEL_MODEL, NAME_AND_EMAIL, SCORE_MODEL

MULTI = {"type": "multi", "graders": {"a": CATEGORY}, "calculate_output": "a"}


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({}, "grader.type"),
        ({"type": "strong_check"}, "grader.type"),
        ([], "grader"),
        ({**CATEGORY, "input": None}, "grader.input"),
        ({**CATEGORY, "operation": "contains"}, "grader.operation"),
        ({**CATEGORY, "reference": "{{row.x}}"}, "grader.reference"),
        ({k: v for k, v in CATEGORY.items() if k != "reference"}, "grader.reference"),
        ({**SCORE_MODEL, "range": [1, 0]}, "grader"),
        ({**SCORE_MODEL, "input": []}, "grader.input"),
        ({**SCORE_MODEL, "input": [{"role": "tool", "content": "x"}]}, "grader.input[0].role"),
        ({**SCORE_MODEL, "input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "grader.input[0].content"),
        ({**SCORE_MODEL, "sampling_params": {"top_p": 3}}, "grader.sampling_params.top_p"),
        ({**LABEL_MODEL, "passing_labels": ["great"]}, "grader"),
        ({"type": "python", "source": "def grade(sample): return 1"}, "grader.source"),
        ({"type": "python", "source": "def score(sample, item): return 1"}, "grader.source"),
        ({"type": "python", "source": "x" * 300_000}, "grader.source"),
        ({"type": "regex", "pattern": "("}, "grader.pattern"),
        ({"type": "json_schema", "schema": {"type": "objekt"}}, "grader.schema"),
        ({"type": "code_tests", "tests": "x", "cases": "y"}, "grader"),
        ({**MULTI, "calculate_output": "a +"}, "grader.calculate_output"),
        ({**MULTI, "calculate_output": "b"}, "grader.calculate_output"),
        ({**MULTI, "graders": {}}, "grader.graders"),
        ({**MULTI, "graders": {"a": MULTI}}, "grader.graders.a"),
        ({**MULTI, "graders": {"a": {**CATEGORY, "operation": "x"}}}, "grader.graders.a.operation"),
        ({**MULTI, "graders": [{"type": "nothing"}]}, "grader.graders[0].type"),
        ({**CATEGORY, "pass_threshold": float("nan")}, "grader"),
    ],
)
def test_a_mistake_is_told_by_its_place(document, place):
    with pytest.raises(GraderError) as told:
        parse_grader(document)
    assert told.value.path == place


def test_unknown_fields_are_harmless_and_a_missing_name_is_the_type():
    grader = parse_grader(
        {**{k: v for k, v in CATEGORY.items() if k != "name"}, "pass_threshold": 1, "extra": {"x": 1}}
    )
    assert grader.name == "string_check"


def test_the_name_of_a_part_without_one_is_its_key():
    unnamed = {k: v for k, v in CATEGORY.items() if k != "name"}
    multi = {"type": "multi", "graders": {"label": unnamed}, "calculate_output": "label"}
    assert stored_grader(multi)["graders"]["label"]["name"] == "label"
    assert stored_grader(NAME_AND_EMAIL)["graders"]["name"]["name"] == "name_grader"


@pytest.mark.parametrize("field", ["max_completions_tokens", "max_completion_tokens", "max_tokens"])
def test_the_judges_longest_answer_goes_by_three_names(field):
    assert parse_grader({**SCORE_MODEL, "sampling_params": {field: 5}}).sampling.max_tokens == 5


def test_the_example_of_the_reference_that_contradicts_itself_is_refused():
    """Its formula names graders it does not have, and closes a bracket it never opened."""
    parts = [{**CATEGORY, "name": "example text similarity grader"}]
    with pytest.raises(GraderError, match="text_similarity_score"):
        parse_grader({"type": "multi", "graders": parts, "calculate_output": "0.5 * text_similarity_score)"})


def test_all_types_are_listed():
    assert set(GRADER_TYPES) >= {"string_check", "text_similarity", "score_model", "label_model", "python", "multi"}
