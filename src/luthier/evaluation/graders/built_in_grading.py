"""Our own graders applied to one answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from luthier.evaluation.graders.built_ins import (
    BuiltIn,
    Chrf,
    CodeTests,
    Exact,
    JsonFieldMatch,
    JsonSchema,
    Normalised,
    Numeric,
    PreferenceModel,
    Regex,
    RougeL,
    ToolCallMatch,
)
from luthier.evaluation.graders.checks import (
    field_share,
    fits_schema,
    is_exact,
    is_normalised,
    is_same_number,
    matches_pattern,
)
from luthier.evaluation.graders.code_tests import BadTests, run_asserts, run_cases
from luthier.evaluation.graders.grades import GradeErrors
from luthier.evaluation.graders.judging import judge_preference
from luthier.evaluation.graders.outcomes import Found, failed, yes_or_no
from luthier.evaluation.graders.similarity import similarity
from luthier.evaluation.graders.tool_calls import calls_made, is_match
from luthier.evaluation.graders.tools import GraderTools, Judge
from luthier.sandbox import SandboxPool

Variables = Mapping[str, Any]


def grade_built_in(form: BuiltIn, variables: Variables, tools: GraderTools) -> Found:
    """Raises UnknownVariable; SandboxError where the sandbox itself fails."""
    match form:
        case Exact() | Normalised() | Numeric() | RougeL() | Chrf() | JsonFieldMatch():
            return _compare(form, form.input.fill(variables), form.reference.fill(variables))
        case Regex():
            return _match(form, form.input.fill(variables))
        case JsonSchema():
            return yes_or_no(fits_schema(form.input.fill(variables), form.json_schema))
        case CodeTests():
            return _test(form, variables, _present(tools.sandbox))
        case ToolCallMatch():
            return _match_calls(form, variables)
        case PreferenceModel():
            return judge_preference(form, _judge(tools.judge), variables)
        case _:
            assert_never(form)


def _compare(form: Exact | Normalised | Numeric | RougeL | Chrf | JsonFieldMatch, answer: str, reference: str) -> Found:
    match form:
        case Exact():
            return yes_or_no(is_exact(answer, reference))
        case Normalised():
            return yes_or_no(is_normalised(answer, reference))
        case Numeric():
            return yes_or_no(is_same_number(answer, reference, form.take, form.tolerance, form.relative_tolerance))
        case RougeL():
            return Found(similarity("rouge_l", answer, reference))
        case Chrf():
            return Found(similarity("chrf", answer, reference))
        case JsonFieldMatch():
            return Found(field_share(answer, reference, form.fields))
        case _:
            assert_never(form)


def _match(form: Regex, text: str) -> Found:
    try:
        return yes_or_no(matches_pattern(text, form.pattern, form.whole, form.ignore_case))
    except TimeoutError:
        return failed(GradeErrors(other_error=True))


def _test(form: CodeTests, variables: Variables, pool: SandboxPool) -> Found:
    answer = form.input.fill(variables)
    setup = form.setup.fill(variables) if form.setup else ""
    try:
        if form.cases is not None:
            tested = run_cases(pool, answer, setup, form.cases.value(variables))
        else:
            tested = run_asserts(pool, answer, setup, form.tests.fill(variables))
    except BadTests:
        return failed(GradeErrors(other_error=True))
    reward = tested.share if form.partial else float(tested.passed == tested.tests)
    return Found(reward, passed=tested.passed == tested.tests)


def _match_calls(form: ToolCallMatch, variables: Variables) -> Found:
    sample = variables["sample"]
    functions = form.tools.value(variables) if form.tools else _tools_of(variables["item"])
    try:
        calls = calls_made(sample["output_text"], sample["output_tools"])
        return yes_or_no(is_match(calls, form.truth.value(variables), functions, form.in_order))
    except ValueError:
        return failed(GradeErrors(other_error=True))


def _tools_of(item: Mapping[str, Any]) -> Any:
    """BFCL's rows call them `function`."""
    return item.get("function", item.get("tools"))


def _present(pool: SandboxPool | None) -> SandboxPool:
    assert pool is not None, "check_tools is called before anything is graded"
    return pool


def _judge(judge: Judge | None) -> Judge:
    assert judge is not None, "check_tools is called before anything is graded"
    return judge
