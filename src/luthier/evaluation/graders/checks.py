"""Right or wrong by comparing texts, numbers and JSON: the built-in graders that run in this process."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import regex
from jsonschema import validators
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from luthier.evaluation.json_answers import is_same_json, parse_object

# A pattern may take exponential time; answers are short, so this long is never needed.
REGEX_SECONDS = 0.5
# Thousands in groups of three by commas, apostrophes or hard blanks; or digits with a decimal point.
_NUMBER = regex.compile(
    r"(?<![\w.])[-+−]?(?:[$€£¥]\s?)?"
    r"(?:\d{1,3}(?P<sep>[,'’\u00a0\u202f])\d{3}(?:(?P=sep)\d{3})*(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:[eE][-+]?\d+)?(?!\w)"
)


def is_exact(answer: str, reference: str) -> bool:
    return unicodedata.normalize("NFC", answer.strip()) == unicodedata.normalize("NFC", reference.strip())


def is_normalised(answer: str, reference: str) -> bool:
    """Equal words; where nothing but signs was written, equal signs."""
    given, wanted = _words(answer), _words(reference)
    return given == wanted if given or wanted else is_exact(answer, reference)


def numbers_in(text: str) -> list[Decimal]:
    """All numbers, in order: `1,234.5`, `-3`, `$5.00`, `.5`, `2e3`. A comma is never a decimal point."""
    found = []
    for match in _NUMBER.finditer(text):
        plain = regex.sub(r"[^\d.eE+-]", "", match[0].replace("−", "-"))
        try:
            found.append(Decimal(plain))
        except InvalidOperation:
            continue
    return found


def is_same_number(
    answer: str,
    reference: str,
    take: Literal["last", "first", "only"],
    tolerance: float,
    relative_tolerance: float,
) -> bool:
    """False where either has no number, or, for "only", where the answer has several."""
    given, wanted = numbers_in(answer), numbers_in(reference)
    if not given or not wanted or (take == "only" and len(given) > 1):
        return False
    number, expected = (given[0], wanted[0]) if take == "first" else (given[-1], wanted[-1])
    if number == expected:
        return True
    return math.isclose(float(number), float(expected), rel_tol=relative_tolerance, abs_tol=tolerance)


def matches_pattern(text: str, pattern: str, is_whole: bool, ignores_case: bool) -> bool:
    """Raises TimeoutError where the pattern takes too long on this text."""
    compiled = regex.compile(pattern, regex.IGNORECASE if ignores_case else 0)
    look = compiled.fullmatch if is_whole else compiled.search
    return look(text, timeout=REGEX_SECONDS) is not None


def fits_schema(text: str, schema: Mapping[str, Any]) -> bool:
    """Whether the text is JSON that the schema allows; a reference to another document is never fetched."""
    try:
        value = json.loads(text)
        validator = validators.validator_for(schema, default=validators.Draft202012Validator)
        validator(schema, registry=Registry()).validate(value)
    except (ValueError, RecursionError, ValidationError, Unresolvable):
        return False
    return True


def check_schema(schema: Mapping[str, Any]) -> str | None:
    """What is wrong with a schema itself."""
    try:
        validators.validator_for(schema, default=validators.Draft202012Validator).check_schema(dict(schema))
    except SchemaError as error:
        return error.message
    return None


def field_share(answer: str, reference: str, fields: Sequence[str]) -> float:
    """Share of the fields that are right; without ``fields``, those that the reference has at its top."""
    wanted, given = parse_object(reference), parse_object(answer)
    if wanted is None:
        return float(is_exact(answer, reference))
    if given is None:
        return 0.0
    paths = [tuple(field.split(".")) for field in fields] or [(key,) for key in wanted]
    if not paths:
        return float(not given)
    return sum(_is_same_at(given, wanted, path) for path in paths) / len(paths)


def _is_same_at(given: Any, wanted: Any, path: Sequence[str]) -> bool:
    """A field that the reference does not have must be missing in the answer too."""
    return is_same_json(_at(given, path), _at(wanted, path))


def _at(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return None
    return value


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(" " if unicodedata.category(letter)[0] in "PZC" else letter for letter in folded).split()
