"""Our own graders as they are written: in a recipe by their type alone, or in JSON with their fields."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import regex
from pydantic import Field, PlainValidator

from luthier.evaluation.graders.forms import ANSWER, REFERENCE, Filled, Form, JudgeTurn, ModelForm, Share
from luthier.evaluation.graders.templates import parse_template


class _Compared(Form):
    input: Filled = ANSWER
    reference: Filled = REFERENCE


class Exact(_Compared):
    """1 where both are the same, letter for letter; blanks around them do not count."""

    type: Literal["exact"]


class Normalised(_Compared):
    """1 where both have the same words: whatever the case, width, punctuation and blanks."""

    type: Literal["normalised"]


class Numeric(_Compared):
    """1 where both end in the same number, within ``tolerance`` or ``relative_tolerance``."""

    type: Literal["numeric"]
    tolerance: Share = 0.0
    relative_tolerance: Share = 1e-9
    take: Literal["last", "first", "only"] = "last"


class RougeL(_Compared):
    type: Literal["rouge_l"]


class Chrf(_Compared):
    type: Literal["chrf"]


def _pattern(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a regular expression as text")
    try:
        regex.compile(value)
    except regex.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return value


class Regex(Form):
    """1 where ``pattern`` is found in the answer, or, with ``whole``, is all of it."""

    type: Literal["regex"]
    pattern: Annotated[str, PlainValidator(_pattern)]
    whole: bool = False
    ignore_case: bool = False
    input: Filled = ANSWER


class JsonSchema(Form):
    """1 where the answer is JSON that fits ``schema`` (2020-12 unless it says another); nothing is fetched for it."""

    type: Literal["json_schema"]
    json_schema: dict[str, Any] = Field(validation_alias="schema")
    input: Filled = ANSWER


class JsonFieldMatch(_Compared):
    """Share of the reference's fields (or of ``fields``, as dotted paths) that the answer has right."""

    type: Literal["json_field_match"]
    fields: tuple[str, ...] = ()


class CodeTests(Form):
    """Share of the tests that the answer's code passes (1 or 0 unless ``partial``), run in the sandbox.

    ``tests`` is Python with asserts; or ``cases`` a list of {"call", "arguments", "expected"}, whose results are
    compared outside the sandbox, so that code cannot vouch for itself.
    """

    type: Literal["code_tests"]
    tests: Filled = Field(default=parse_template("{{item.tests}}"))
    cases: Filled | None = None
    setup: Filled | None = None
    partial: bool = False
    input: Filled = ANSWER


class ToolCallMatch(Form):
    """1 where the answer makes the calls of ``truth``, in BFCL's format: accepted values for each argument."""

    type: Literal["tool_call_match"]
    truth: Filled = Field(default=parse_template("{{item.ground_truth}}"))
    tools: Filled | None = None
    in_order: bool = False


class PreferenceModel(ModelForm):
    """1, 0.5 or 0: whether a judge likes the answer better than ``other``, asked in both orders."""

    type: Literal["preference_model"]
    input: tuple[JudgeTurn, ...] = ()
    question: Filled = Field(default=parse_template("{{item.messages}}"))
    answer: Filled = ANSWER
    other: Filled = REFERENCE
    criteria: str = "Which answer is more correct and more helpful?"


BuiltIn = (
    Exact
    | Normalised
    | Numeric
    | RougeL
    | Chrf
    | Regex
    | JsonSchema
    | JsonFieldMatch
    | CodeTests
    | ToolCallMatch
    | PreferenceModel
)
