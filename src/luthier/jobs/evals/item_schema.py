"""Whether the items of an eval fit its schema. Nothing is fetched, and no pattern runs for long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import regex
from jsonschema import validators
from jsonschema.exceptions import SchemaError, UnknownType, ValidationError
from jsonschema.exceptions import best_match as best_match_of
from referencing import Registry
from referencing.exceptions import Unresolvable

PATTERN_SECONDS = 0.2
LONGEST_MESSAGE = 300


class ItemChecker:
    """Raises ValueError where the schema itself is none."""

    def __init__(self, schema: Mapping[str, Any]):
        kind = validators.validator_for(schema, default=validators.Draft202012Validator)
        try:
            kind.check_schema(dict(schema))
        except SchemaError as error:
            raise ValueError(error.message[:LONGEST_MESSAGE]) from None
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        # The patterns of jsonschema are Python's own, which some texts keep busy for ever.
        bounded: Any = validators.extend(kind, {"pattern": _pattern, "patternProperties": _pattern_properties})
        self._validator = bounded(dict(schema), registry=Registry())

    def problem(self, item: Any) -> str | None:
        """What is wrong with ``item``, and where; None where it fits."""
        try:
            error = best_match_of(self._validator.iter_errors(item))
        except (Unresolvable, UnknownType):
            return "the schema refers to what it does not hold"
        except RecursionError:
            return "it is nested too deeply"
        if error is None:
            return None
        place = ".".join(str(step) for step in error.absolute_path)
        return f"{place}: {error.message}"[:LONGEST_MESSAGE] if place else error.message[:LONGEST_MESSAGE]


def _pattern(_validator: Any, pattern: Any, text: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(text, str) and not _is_found(pattern, text):
        yield ValidationError(f"{text[:80]!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, item: Any, _schema: Any) -> Iterator[ValidationError]:
    if not isinstance(item, dict):
        return
    for pattern, below in patterns.items():
        for key, value in item.items():
            if _is_found(pattern, key):
                yield from validator.descend(value, below, path=key, schema_path=pattern)


def _is_found(pattern: str, text: str) -> bool:
    """A pattern that takes too long, or that cannot be read, is not found."""
    try:
        return regex.search(pattern, text, timeout=PATTERN_SECONDS) is not None
    except (TimeoutError, regex.error):
        return False
