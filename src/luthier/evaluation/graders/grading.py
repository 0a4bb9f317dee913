"""One answer graded: the grader's texts filled, its check made, and every way to fail told by OpenAI's own key."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any, assert_never

from luthier.errors import LuthierError, SandboxError
from luthier.evaluation.graders.built_in_grading import grade_built_in
from luthier.evaluation.graders.forms import LabelModel, Multi, PythonGrader, ScoreModel, StringCheck, TextSimilarity
from luthier.evaluation.graders.formula import FormulaError
from luthier.evaluation.graders.grades import Grade, GradeErrors, all_errors, merged_usage
from luthier.evaluation.graders.judging import judge_label, judge_score
from luthier.evaluation.graders.outcomes import Found, failed, yes_or_no
from luthier.evaluation.graders.parsing import Grader, Single, check_tools
from luthier.evaluation.graders.samples import Sample, is_about_missing_json
from luthier.evaluation.graders.similarity import cosine, similarity
from luthier.evaluation.graders.templates import Template, UnknownVariable
from luthier.evaluation.graders.tools import GraderTools

Variables = Mapping[str, Any]
LARGEST = sys.float_info.max


def grade(grader: Grader, item: Mapping[str, Any], sample: Sample, tools: GraderTools | None = None) -> Grade:
    """Whatever an item, an answer, a judge or user code does wrong is in the grade's errors.

    Raises GraderError where a tool is missing.
    """
    given = tools or GraderTools()
    check_tools(grader, given)
    return _grade(grader, {"item": item, "sample": sample.as_variables()}, given)


def _grade(grader: Grader, variables: Variables, tools: GraderTools) -> Grade:
    began = time.perf_counter()
    found = _combine(grader, variables, tools) if isinstance(grader, Multi) else _attempt(grader, variables, tools)
    return Grade(
        name=grader.name,
        type=grader.type,
        reward=found.reward,
        passed=_passed(grader, found),
        errors=found.errors,
        sub_rewards=found.sub_rewards,
        seconds=time.perf_counter() - began,
        token_usage=found.usage,
        sampled_model=found.model,
        repeats=found.repeats,
    )


def _passed(grader: Grader, found: Found) -> bool | None:
    """A judge that could not be understood passes nothing; elsewhere errors have made the reward 0."""
    if found.passed is not None:
        return found.passed
    if isinstance(grader, LabelModel):
        return found.reward == 1
    if grader.pass_threshold is not None:
        return found.reward >= grader.pass_threshold and not found.errors
    return False if found.errors else None


def _combine(grader: Multi, variables: Variables, tools: GraderTools) -> Found:
    """A part that fails counts 0 in the formula, and its error is the whole's."""
    parts = {key: _grade(part, variables, tools) for key, part in grader.graders}
    rewards = {key: part.reward for key, part in parts.items()}
    errors = [part.errors for part in parts.values()]
    usage = merged_usage(part.token_usage for part in parts.values())
    models = [part.sampled_model for part in parts.values() if part.sampled_model]
    try:
        reward = grader.formula.value(rewards)
    except FormulaError:
        reward = 0.0
        errors.append(GradeErrors(formula_parse_error=True))
    model = models[0] if models else None
    return Found(reward, all_errors(errors), sub_rewards=rewards, usage=usage, model=model)


def _attempt(grader: Single, variables: Variables, tools: GraderTools) -> Found:
    try:
        return _single(grader, variables, tools)
    except UnknownVariable:
        is_json = any(is_about_missing_json(variable, variables["sample"]) for variable in _variables_of(grader))
        return failed(GradeErrors(invalid_variable_error=True, sample_parse_error=is_json))
    except SandboxError as error:
        return failed(GradeErrors(python_grader_server_error=True, python_grader_server_error_type=error.found))


def _variables_of(grader: Single) -> list[Any]:
    values = [getattr(grader, name) for name in type(grader).model_fields]
    return [variable for value in values if isinstance(value, Template) for variable in value.variables]


def _single(grader: Single, variables: Variables, tools: GraderTools) -> Found:
    match grader:
        case StringCheck():
            return _check(grader, grader.input.fill(variables), grader.reference.fill(variables))
        case TextSimilarity():
            return _compare(grader, grader.input.fill(variables), grader.reference.fill(variables), tools)
        case PythonGrader():
            return _run(grader, variables, tools)
        case ScoreModel():
            assert tools.judge is not None, "check_tools is called before anything is graded"
            return judge_score(grader, tools.judge, variables)
        case LabelModel():
            assert tools.judge is not None, "check_tools is called before anything is graded"
            return judge_label(grader, tools.judge, variables)
        case _:
            return grade_built_in(grader, variables, tools)


def _check(grader: StringCheck, text: str, reference: str) -> Found:
    match grader.operation:
        case "eq":
            return yes_or_no(text == reference)
        case "ne":
            return yes_or_no(text != reference)
        case "like":
            return yes_or_no(reference in text)
        case "ilike":
            return yes_or_no(reference.casefold() in text.casefold())
        case _:
            assert_never(grader.operation)


def _compare(grader: TextSimilarity, text: str, reference: str, tools: GraderTools) -> Found:
    if grader.evaluation_metric != "cosine":
        return Found(similarity(grader.evaluation_metric, text, reference))
    assert tools.embed is not None, "check_tools is called before anything is graded"
    try:
        first, second = tools.embed([text, reference])
        return Found(cosine(first, second))
    except LuthierError as error:
        errors = GradeErrors(model_grader_server_error=True, model_grader_server_error_details=error.found)
        return failed(errors)


def _run(grader: PythonGrader, variables: Variables, tools: GraderTools) -> Found:
    """A number that JSON can hold; true and false are 1 and 0, as they are in Python."""
    assert tools.sandbox is not None, "check_tools is called before anything is graded"
    try:
        outcome = tools.sandbox.call(grader.source, "grade", [variables["sample"], variables["item"]])
    except (TypeError, ValueError) as error:
        return failed(GradeErrors(other_error=True, python_grader_runtime_error_details=str(error)))
    if outcome.has_value and isinstance(outcome.value, int | float) and abs(outcome.value) <= LARGEST:
        return Found(float(outcome.value))
    details = outcome.details or f"grade returned {type(outcome.value).__name__}, where a number is wanted"
    kind = f"{outcome.error_kind}: " if outcome.error_kind not in (None, "exception", "result") else ""
    return failed(GradeErrors(python_grader_runtime_error=True, python_grader_runtime_error_details=kind + details))
