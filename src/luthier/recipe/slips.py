"""What is wrong in a settings file that is no recipe (the server's, a task): where, what was expected, and the fix."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from luthier.errors import RecipeError
from luthier.recipe.catalogue import type_in_words
from luthier.recipe.document import Document
from luthier.recipe.overrides import Override
from luthier.recipe.suggestion import in_words


def slips_error(
    error: ValidationError, schema: dict[str, Any], document: Document | None, overrides: Sequence[Override], page: str
) -> RecipeError:
    """All slips as one error; ``schema`` is the JSON schema of the settings, ``page`` where they are explained."""
    found = [(_place(detail, document, overrides), *_slip(detail, schema, page)) for detail in error.errors()]
    if len(found) == 1:
        place, what, expected, fix = found[0]
        return RecipeError(f"{place}: {what}", expected=expected, fix=fix)
    lines = [f"  {place}: {what}\n    expected: {expected}\n    fix: {fix}" for place, what, expected, fix in found]
    name = document.file if document is not None else "the command line"
    return RecipeError(
        f"{name} has {len(found)} mistakes\n" + "\n".join(lines),
        expected="settings that are known and fit",
        fix=f"mend them one by one; {page} lists every setting",
    )


def _place(detail: ErrorDetails, document: Document | None, overrides: Sequence[Override]) -> str:
    path = tuple(str(part) for part in detail["loc"])
    for override in reversed(overrides):
        shared = min(len(path), len(override.path))
        if override.path[:shared] == path[:shared] and (path or document is None):
            return f"--set {override.text}"
    if document is None:
        return "the command line"
    line = document.line_of(path)
    return f"{document.file}, line {line}" if line is not None else document.file


def _slip(detail: ErrorDetails, schema: dict[str, Any], page: str) -> tuple[str, str, str]:
    path = tuple(str(part) for part in detail["loc"])
    key = ".".join(path)
    match detail["type"]:
        case "contradiction":
            context = detail.get("ctx", {})
            return context["found"], context["expected"], context["fix"]
        case "extra_forbidden":
            group = _at(schema, path[:-1]) or {}
            known = list(group.get("properties", ()))
            near = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.6)
            meant = ".".join([*path[:-1], *near])
            return (
                f"unknown key {key}",
                f"one of {', '.join(known)}" if known else "no keys below it",
                f"did you mean {meant}?" if near else f"remove it; {page} lists every setting",
            )
        case "missing":
            return f"{key} is missing", _expected(schema, path), f"add {key}"
        case _:
            what = f"{key} is {in_words(detail['input'])}"
            return (
                what,
                _expected(schema, path) or detail["msg"].lower(),
                f"change {key}; {page} tells what it may hold",
            )


def _expected(schema: dict[str, Any], path: tuple[str, ...]) -> str:
    found = _at(schema, path)
    if found is None:
        return ""
    if "properties" in found:
        return f"a section with the keys {', '.join(found['properties'])}"
    return type_in_words(found)


def _at(schema: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any] | None:
    """The part of the schema that a value at ``path`` answers to; None inside lists and mappings."""
    part = schema
    for name in path:
        if name not in part.get("properties", {}):
            return None
        part = part["properties"][name]
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    return part
