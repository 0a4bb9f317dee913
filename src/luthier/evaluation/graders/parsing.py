"""From grader JSON to a grader, or the place in the JSON where it is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args

from pydantic import ValidationError

from luthier.errors import SandboxError
from luthier.evaluation.graders.built_ins import BuiltIn, CodeTests, JsonSchema, PreferenceModel
from luthier.evaluation.graders.checks import check_schema
from luthier.evaluation.graders.failures import GraderError
from luthier.evaluation.graders.forms import LabelModel, Multi, PythonGrader, ScoreModel, StringCheck, TextSimilarity
from luthier.evaluation.graders.formula import FormulaError, parse_formula
from luthier.evaluation.graders.tools import GraderTools
from luthier.sandbox import check_source

OpenAI = StringCheck | TextSimilarity | ScoreModel | LabelModel | PythonGrader
Single = OpenAI | BuiltIn
Grader = Single | Multi
OPENAI_TYPES = ("string_check", "text_similarity", "score_model", "label_model", "python", "multi")
_FORMS: Mapping[str, type[Any]] = MappingProxyType(
    {get_args(form.model_fields["type"].annotation)[0]: form for form in (*get_args(OpenAI), *get_args(BuiltIn))}
)
GRADER_TYPES = (*_FORMS, "multi")
# Nested deeper than any grader is.
_LONGEST_BYTES = 2_000_000


def parse_grader(document: Any, tools: GraderTools | None = None, path: str = "grader") -> Grader:
    """The grader of a JSON document; with ``tools``, only one that they suffice for. Raises GraderError."""
    _check_json(document, path)
    grader = _parse(document, path, default_name="")
    if tools is not None:
        check_tools(grader, tools, path)
    return grader


def stored_grader(document: Mapping[str, Any]) -> dict[str, Any]:
    """What `graders/validate` answers: the document with every name filled in."""
    stored = {"type": document["type"], "name": document.get("name") or document["type"], **document}
    stored["name"] = stored["name"] or stored["type"]
    if document["type"] == "multi" and isinstance(document["graders"], Mapping) and "type" not in document["graders"]:
        named = {key: {"name": key, **sub} for key, sub in document["graders"].items()}
        stored["graders"] = {key: stored_grader({**sub, "name": sub["name"] or key}) for key, sub in named.items()}
    return stored


def check_tools(grader: Grader, tools: GraderTools, path: str = "grader") -> None:
    """Raises GraderError for what cannot be graded here."""
    match grader:
        case Multi():
            for key, part in grader.graders:
                check_tools(part, tools, f"{path}.graders.{key}")
        case PythonGrader() | CodeTests() if tools.sandbox is None:
            raise _missing(path, grader.type, "a sandbox for code", "open a SandboxPool and pass it in GraderTools")
        case ScoreModel() | LabelModel() | PreferenceModel() if tools.judge is None:
            fix = "set evaluation.judge, or pass GraderTools(judge=...)"
            raise _missing(path, grader.type, "a model that judges", fix)
        case TextSimilarity(evaluation_metric="cosine") if tools.embed is None:
            fix = "set evaluation.embeddings, or pass GraderTools(embed=...)"
            raise _missing(path, "text_similarity with cosine", "a model that embeds texts", fix)
        case PythonGrader() if tools.sandbox is not None:
            _check_source(grader, f"{path}.source", tools)
        case _:
            return


def _parse(document: Any, path: str, default_name: str) -> Grader:
    if not isinstance(document, Mapping):
        raise GraderError(path, "is no object", expected='{"type": ...}', fix="write the grader as one JSON object")
    kind = document.get("type")
    if kind == "multi":
        return _parse_multi(document, path, default_name)
    form = _FORMS.get(kind) if isinstance(kind, str) else None
    if form is None:
        known = ", ".join(GRADER_TYPES)
        raise GraderError(f"{path}.type", f"is {kind!r}", expected=f"one of {known}", fix="correct the type")
    if form is CodeTests and document.get("tests") is not None and document.get("cases") is not None:
        fix = "leave one out: asserts in tests, or results to compare in cases"
        raise GraderError(path, "has both tests and cases", expected="one of them", fix=fix)
    # Names that are null or empty count as left out.
    named = {**document, "name": document.get("name") or default_name or kind}
    try:
        grader = form.model_validate_json(json.dumps(named))
    except ValidationError as error:
        raise _form_error(error, path) from None
    if isinstance(grader, PythonGrader):
        _check_source(grader, f"{path}.source", None)
    if isinstance(grader, JsonSchema) and (problem := check_schema(grader.json_schema)):
        raise GraderError(f"{path}.schema", problem, expected="a JSON schema", fix="correct the schema")
    return grader


def _parse_multi(document: Mapping[str, Any], path: str, default_name: str) -> Multi:
    if default_name:
        fix = "write its graders beside the others, and put its formula into the outer one"
        raise GraderError(path, "is a multi grader inside another", expected="graders of other types", fix=fix)
    name, text, threshold = document.get("name") or "multi", document.get("calculate_output"), None
    if isinstance(document.get("pass_threshold"), int | float):
        threshold = float(document["pass_threshold"])
    if not isinstance(name, str):
        raise GraderError(f"{path}.name", "is no text", expected="a name", fix="put it in quotes")
    parts = tuple(
        (key, _parse(sub, place, default_name=key)) for key, sub, place in _parts(document.get("graders"), path)
    )
    place = f"{path}.calculate_output"
    if not isinstance(text, str) or not text.strip():
        raise GraderError(
            place, "is missing", expected='a formula such as "0.5 * a + 0.5 * b"', fix="write the formula"
        )
    try:
        formula = parse_formula(text, [key for key, _ in parts])
    except FormulaError as error:
        signs = "numbers, the graders' names, + - * / ^ ( ), min max abs floor ceil exp sqrt log"
        raise GraderError(place, str(error), expected=signs, fix="correct the formula") from None
    return Multi(name, parts, formula, threshold)


def _parts(graders: Any, path: str) -> list[tuple[str, Any, str]]:
    """Key, document and place, from a map (the guide), a list (the reference) or one grader (the types)."""
    place = f"{path}.graders"
    if isinstance(graders, Mapping) and isinstance(graders.get("type"), str):
        graders = [graders]
    if isinstance(graders, Mapping):
        found = [(str(key), sub, f"{place}.{key}") for key, sub in graders.items()]
    elif isinstance(graders, list):
        found = [(_name_of(sub), sub, f"{place}[{index}]") for index, sub in enumerate(graders)]
    else:
        found = []
    keys = [key for key, _, _ in found]
    if not found or len(set(keys)) < len(keys):
        problem = "has a name twice" if found else "has no graders"
        raise GraderError(place, problem, expected='{"name": {"type": ...}, ...}', fix="write a map of named graders")
    return found


def _name_of(document: Any) -> str:
    if isinstance(document, Mapping):
        return str(document.get("name") or document.get("type") or "grader")
    return "grader"


def _check_source(grader: PythonGrader, path: str, tools: GraderTools | None) -> None:
    packages = tools.sandbox.packages if tools is not None and tools.sandbox is not None else None
    try:
        check_source(grader.source, "grade", 2, packages)
    except SandboxError as error:
        raise GraderError(path, error.found, expected=error.expected, fix=error.fix) from None


def _check_json(document: Any, path: str) -> None:
    try:
        size = len(json.dumps(document, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise GraderError(path, f"is no JSON: {error}", expected="a JSON object", fix="write it as JSON") from None
    if size > _LONGEST_BYTES:
        raise GraderError(path, f"is {size} bytes long", expected=f"at most {_LONGEST_BYTES}", fix="shorten it")


def _form_error(error: ValidationError, path: str) -> GraderError:
    first = error.errors(include_url=False)[0]
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"]]
    # A place that allows several types is told by pydantic with the type that was tried last.
    place = path + "".join(step for step in steps if not step.startswith((".function-", ".constrained-", ".literal[")))
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        return GraderError(place, "is missing", expected="this field", fix="add it")
    found = f"{json.dumps(first['input'], default=str)[:80]}: {message}"
    return GraderError(place, found, expected="what docs/graders.md lists for this type", fix="correct it")


def _missing(path: str, kind: str, what: str, fix: str) -> GraderError:
    return GraderError(path, f"{kind} needs {what}, and there is none", expected=what, fix=fix)
