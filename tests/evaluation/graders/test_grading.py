"""Graders as OpenAI publishes them, run as they stand; results as its clients read them."""

import copy

import pytest
from openai.types.fine_tuning.alpha import GraderRunResponse, GraderValidateResponse

from luthier.evaluation.graders import (
    GraderError,
    GraderTools,
    JudgeAnswer,
    JudgeFailed,
    Sample,
    TokenUsage,
    grade,
    parse_grader,
    stored_grader,
)
from luthier.sandbox import GRADER_PACKAGES, SandboxLimits, SandboxPool
from published_graders import CATEGORY, NAME_AND_EMAIL, PUBLISHED, SCORE_MODEL

ERRORS = [
    "formula_parse_error",
    "sample_parse_error",
    "truncated_observation_error",
    "unresponsive_reward_error",
    "invalid_variable_error",
    "other_error",
    "python_grader_server_error",
    "python_grader_server_error_type",
    "python_grader_runtime_error",
    "python_grader_runtime_error_details",
    "model_grader_server_error",
    "model_grader_refusal_error",
    "model_grader_parse_error",
    "model_grader_server_error_details",
]


def judge(question):
    """Likes everything by half, and calls it positive."""
    wants_label = question.schema["properties"]["result"]["type"] == "string"
    return JudgeAnswer('{"steps": [], "result": %s}' % ('"positive"' if wants_label else "0.5"), TokenUsage(10, 5, 2))


@pytest.fixture(scope="module")
def tools():
    with SandboxPool(SandboxLimits(wall_seconds=5), workers=1, packages=GRADER_PACKAGES) as sandbox:
        yield GraderTools(sandbox, judge, lambda texts: [[1.0, 0.0], [1.0, 1.0]])


def python(source, tools, sample=None, item=None):
    return grade(parse_grader({"type": "python", "source": source}), item or {}, sample or Sample("hi"), tools)


@pytest.mark.parametrize(("document", "item", "text", "calls", "reward"), PUBLISHED)
def test_published_examples_run_as_they_stand(document, item, text, calls, reward, tools):
    before = copy.deepcopy(document)
    found = grade(parse_grader(document, tools), item, Sample(text, calls), tools)
    assert found.reward == pytest.approx(reward, abs=1e-4)
    assert not found.errors and document == before


@pytest.mark.parametrize(("document", "item", "text", "calls", "reward"), PUBLISHED)
def test_results_and_stored_graders_load_into_the_clients_types(document, item, text, calls, reward, tools):
    body = grade(parse_grader(document, tools), item, Sample(text, calls), tools).as_run_response()
    response = GraderRunResponse.model_validate(body, strict=True)
    assert response.reward == pytest.approx(reward, abs=1e-4)
    assert list(body["metadata"]["errors"]) == ERRORS
    stored = stored_grader(document)
    assert stored["name"]
    if document["type"] not in ("multi", "label_model"):
        GraderValidateResponse.model_validate({"grader": stored}, strict=True)


def test_a_judges_tokens_are_told_in_total_and_by_model(tools):
    body = grade(parse_grader(SCORE_MODEL), {"reference_answer": 1}, Sample("1"), tools).as_run_response()
    assert body["metadata"]["token_usage"] == 15
    assert body["metadata"]["sampled_model_name"] == "o4-mini-2025-04-16"
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cached_tokens": 2}
    assert body["model_grader_token_usage_per_model"] == {"o4-mini-2025-04-16": usage}


@pytest.mark.parametrize("shape", ["map", "list", "single"])
def test_multi_takes_a_map_a_list_or_one_grader(shape):
    part = {**CATEGORY, "name": "label"}
    shapes = {"map": {"label": CATEGORY}, "list": [part], "single": part}
    multi = parse_grader({"type": "multi", "graders": shapes[shape], "calculate_output": "label / 2"})
    found = grade(multi, {"correct_label": "a"}, Sample("a"))
    assert (found.reward, dict(found.sub_rewards), found.name) == (0.5, {"label": 1.0}, "multi")


def test_an_unknown_variable_costs_the_grade_and_is_told():
    found = grade(parse_grader(CATEGORY), {}, Sample("a"))
    assert (found.reward, found.errors.names, found.passed) == (0.0, ("invalid_variable_error",), False)


def test_an_answer_that_is_no_json_is_told_where_json_was_wanted():
    found = grade(parse_grader(NAME_AND_EMAIL), {"name": "a", "email": "b"}, Sample("words"))
    assert found.errors.names == ("sample_parse_error", "invalid_variable_error")
    assert dict(found.sub_rewards) == {"name": 0.0, "email": 0.0}


def test_a_division_by_zero_shows_while_grading():
    multi = parse_grader({"type": "multi", "graders": {"a": CATEGORY}, "calculate_output": "1 / a"})
    found = grade(multi, {"correct_label": "x"}, Sample("y"))
    assert (found.reward, found.errors.names) == (0.0, ("formula_parse_error",))


@pytest.mark.parametrize(
    ("operation", "text", "reference", "reward"),
    [
        ("eq", "a", "a", 1),
        ("eq", "a", "A", 0),
        ("ne", "a", "A", 1),
        ("neq", "a", "a", 0),
        ("like", "a cat", "cat", 1),
        ("like", "a cat", "Cat", 0),
        ("ilike", "a cat", "Cat", 1),
        ("ilike", "cat", "a cat", 0),
    ],
)
def test_string_checks(operation, text, reference, reward):
    document = {"type": "string_check", "input": text, "reference": reference, "operation": operation}
    assert grade(parse_grader(document), {}, Sample("")).reward == reward


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("def grade(s, i): return 1 / 0", "ZeroDivisionError"),
        ("def grade(s, i): return 'high'", "str"),
        ("def grade(s, i): return None", "NoneType"),
        ("def grade(s, i): return float('nan')", "JSON"),
        ("def grade(s, i): return 10 ** 400", "number"),
        ("import rdkit_missing\ndef grade(s, i): return 1", "rdkit_missing"),
        ("import os\ndef grade(s, i): os._exit(0)", "killed"),
        ("def grade(s, i): raise SystemExit", "SystemExit"),
    ],
)
def test_what_a_python_grader_does_wrong_is_told_and_counts_0(source, part, tools):
    found = python(source, tools) if "missing" not in source else _unchecked(source, tools)
    assert (found.reward, found.errors.names) == (0.0, ("python_grader_runtime_error",))
    assert part in str(found.errors.python_grader_runtime_error_details)


def _unchecked(source, tools):
    """An import that is only missed while grading."""
    inside = source.split("\n")
    return python(f"def grade(s, i):\n    {inside[0]}\n    return 1", tools)


def test_a_python_grader_sees_sample_and_item_as_on_the_platform(tools):
    source = "def grade(sample, item):\n    return len(sample['choices']) + sample['output_json']['n'] + item['n']"
    assert python(source, tools, Sample('{"n": 2}'), {"n": 4}).reward == 7.0


def test_cosine_compares_embeddings(tools):
    document = {"type": "text_similarity", "input": "a", "reference": "b", "evaluation_metric": "cosine"}
    assert grade(parse_grader(document, tools), {}, Sample(""), tools).reward == pytest.approx(0.5**0.5)


def test_a_judge_that_cannot_be_reached_is_told():
    def broken(_question):
        raise JudgeFailed("no route to host")

    found = grade(parse_grader(SCORE_MODEL), {"reference_answer": 1}, Sample("1"), GraderTools(judge=broken))
    assert found.errors.names == ("model_grader_server_error",)
    assert found.errors.model_grader_server_error_details == "no route to host"


def test_a_threshold_decides_what_passes(tools):
    document = {**PUBLISHED[1][0], "pass_threshold": 0.8}
    assert grade(parse_grader(document), {"label": "abcd"}, Sample("abcd")).passed is True
    assert grade(parse_grader(document), {"label": "abcd"}, Sample("ab")).passed is False
    assert grade(parse_grader(PUBLISHED[1][0]), {"label": "abcd"}, Sample("ab")).passed is None


@pytest.mark.parametrize(("document", "what"), [(SCORE_MODEL, "judge"), (PUBLISHED[-1][0], "sandbox")])
def test_a_grader_without_its_tool_is_refused_and_told_what_is_missing(document, what):
    with pytest.raises(GraderError, match="there is none"):
        parse_grader(document, GraderTools())
