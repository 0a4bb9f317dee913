"""The methods a job may ask for, each checked in full; what cannot be trained yet is refused only after that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luthier.jobs.hyperparameters import check_hyperparameters
from luthier.server.errors import Refused, invalid
from luthier.store.jobs import METHODS

# A method that gets its objective is added here, and nothing else of the server changes.
TRAINABLE = ("supervised",)
PARTS = {
    "supervised": ("hyperparameters",),
    "dpo": ("hyperparameters",),
    "reinforcement": ("hyperparameters", "grader", "response_format"),
}
RESPONSE_FORMATS = ("text", "json_object", "json_schema")


@dataclass(frozen=True)
class AskedMethod:
    """``document`` is what the job shows; ``hyperparameters`` are complete, `auto` where nothing was said."""

    kind: str
    document: dict[str, Any]
    hyperparameters: dict[str, Any]


def asked_method(method: Mapping[str, Any] | None, old: Mapping[str, Any] | None) -> AskedMethod:
    """``old``: the deprecated top-level hyperparameters, which mean supervised. Raises 400 naming the field."""
    kind = "supervised" if method is None else method.get("type")
    if kind not in METHODS:
        raise invalid(f"Invalid value for 'method.type': expected one of {', '.join(METHODS)}.", "method.type")
    part = _part_of(method or {}, kind)
    given = part.get("hyperparameters")
    if old and (kind != "supervised" or given):
        raise invalid("Give hyperparameters once: inside 'method'.", "hyperparameters")
    place = "hyperparameters" if old else f"method.{kind}.hyperparameters"
    checked = check_hyperparameters(kind, given or old, place)
    extra: dict[str, Any] = {}
    if kind == "reinforcement":
        extra = {"grader": _grader(part), **_response_format(part)}
    return AskedMethod(kind, {"type": kind, kind: {**extra, "hyperparameters": checked}}, checked)


def refuse_untrainable(kind: str) -> None:
    if kind not in TRAINABLE:
        raise Refused(
            400,
            f"The method '{kind}' cannot be trained by this version of luthier yet; the request is otherwise valid. "
            f"Trainable: {', '.join(TRAINABLE)}.",
            code="method_not_trainable",
            param="method.type",
        )


def _part_of(method: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    if unknown := sorted(set(method) - {"type", *METHODS}):
        raise invalid(f"Unknown parameter: 'method.{unknown[0][:64]}'.", "method", "unknown_parameter")
    if others := [name for name in METHODS if name != kind and method.get(name) is not None]:
        raise invalid(f"'method.{others[0]}' does not belong to the type '{kind}'.", f"method.{others[0]}")
    part = method.get(kind) or {}
    if not isinstance(part, Mapping):
        raise invalid(f"Invalid value for 'method.{kind}': expected an object.", f"method.{kind}")
    if unknown := sorted(set(part) - set(PARTS[kind])):
        name = f"method.{kind}.{unknown[0][:64]}"
        raise invalid(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    return part


def _grader(part: Mapping[str, Any]) -> dict[str, Any]:
    # Graders bring statistics and similarity measures, which a server without them need not wait for.
    from luthier.evaluation.graders import GraderError, parse_grader, stored_grader

    name = "method.reinforcement.grader"
    if part.get("grader") is None:
        raise invalid(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    try:
        parse_grader(part["grader"], path=name)
    except GraderError as error:
        raise invalid(f"{error.found}. Expected {error.expected}.", name, "invalid_grader") from None
    return stored_grader(part["grader"])


def _response_format(part: Mapping[str, Any]) -> dict[str, Any]:
    given = part.get("response_format")
    if given is None:
        return {}
    name = "method.reinforcement.response_format"
    if not isinstance(given, Mapping) or given.get("type") not in RESPONSE_FORMATS:
        raise invalid(f"Invalid value for '{name}.type': expected one of {', '.join(RESPONSE_FORMATS)}.", name)
    schema = given.get("json_schema")
    if given["type"] == "json_schema" and not (
        isinstance(schema, Mapping) and isinstance(schema.get("schema"), Mapping)
    ):
        raise invalid(f"Missing required parameter: '{name}.json_schema.schema'.", name, "missing_required_parameter")
    return {"response_format": given}
