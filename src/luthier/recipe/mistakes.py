"""From what the models refuse to one error that lists every mistake: where, what was found, expected, and the fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from luthier.errors import RecipeError
from luthier.recipe.catalogue import catalogue
from luthier.recipe.document import Document
from luthier.recipe.overrides import Override
from luthier.recipe.suggestion import in_words, nearest_key, nearest_word

_ALL_SETTINGS = "`luthier recipe schema` prints every setting"


@dataclass(frozen=True)
class Mistake:
    place: str
    found: str
    expected: str
    fix: str


def recipe_error(error: ValidationError, document: Document, overrides: Sequence[Override]) -> RecipeError:
    """All mistakes of one recipe as one error."""
    mistakes = [
        _mistake(key, detail, _place(key, document, overrides)) for key, detail in _one_per_value(error.errors())
    ]
    if len(mistakes) == 1:
        only = mistakes[0]
        return RecipeError(f"{only.place}: {only.found}", expected=only.expected, fix=only.fix)
    lines = [f"  {m.place}: {m.found}\n    expected: {m.expected}\n    fix: {m.fix}" for m in mistakes]
    return RecipeError(
        f"{document.file} has {len(mistakes)} mistakes\n" + "\n".join(lines),
        expected="a recipe in which every setting is known and fits",
        fix=f"mend them one by one; {_ALL_SETTINGS}",
    )


def _one_per_value(details: Sequence[ErrorDetails]) -> list[tuple[str, ErrorDetails]]:
    """A union reports each of its members; the one that got furthest into the value tells most."""
    best: dict[str, ErrorDetails] = {}
    for detail in details:
        key = _dotted_key(detail["loc"], is_unknown=detail["type"] == "extra_forbidden")
        key = ".".join(filter(None, [key, detail.get("ctx", {}).get("key")]))
        if key not in best or _depth(detail) > _depth(best[key]):
            best[key] = detail
    return list(best.items())


def _depth(detail: ErrorDetails) -> tuple[bool, int]:
    # A contradiction is found last of all, in a value whose type was right.
    return detail["type"] == "contradiction", len(detail["loc"])


def _dotted_key(location: tuple[int | str, ...], *, is_unknown: bool) -> str:
    """Pydantic's location without list positions and names of union members: `method.rank`."""
    key = ""
    for index, part in enumerate(location):
        longer = f"{key}.{part}" if key else str(part)
        section = catalogue().section(key)
        if is_unknown and index == len(location) - 1:
            return longer
        if section is not None and part in section.kinds:
            continue
        if catalogue().section(longer) is None and catalogue().entry(longer) is None:
            break
        key = longer
    return key


def _place(key: str, document: Document, overrides: Sequence[Override]) -> str:
    path = tuple(key.split("."))
    for override in reversed(overrides):
        shared = min(len(path), len(override.path))
        if override.path[:shared] == path[:shared]:
            return f"--set {override.text}"
    line = document.line_of(path)
    return f"{document.file}, line {line}" if line is not None else document.file


def _mistake(key: str, detail: ErrorDetails, place: str) -> Mistake:
    found, context = detail["input"], detail.get("ctx", {})
    inside = _inside(key, detail["loc"])
    match detail["type"]:
        case "extra_forbidden" | "missing" if inside:
            what = "missing" if detail["type"] == "missing" else "no key there"
            fix = "add it" if detail["type"] == "missing" else "remove it; docs/evaluation.md"
            return Mistake(place, f"{key}: {inside} is {what}", "a mapping with the keys that belong there", fix)
        case "extra_forbidden":
            return _unknown_key(key, place)
        case "missing":
            return Mistake(place, f"{key} is missing", _expected(key), f"add {key}, or --set {key}=...")
        case "contradiction":
            return Mistake(place, f"{key}: {context['found']}", context["expected"], context["fix"])
        case "union_tag_invalid":
            return _wrong_value(f"{key}.kind", found.get("kind"), place)
        case "json_invalid":
            return Mistake(place, "half a character (a lone surrogate)", "whole characters", "retype the text")
        case _ if ", " in inside:
            fix = f"change it, or see docs/evaluation.md for what {key} holds"
            return Mistake(place, f"{key}: {inside} is {in_words(found)}", detail["msg"].lower(), fix)
        case _:
            return _wrong_value(key, found, place)


def _inside(key: str, location: tuple[int | str, ...]) -> str:
    """What a mapping within one setting holds, such as "entry 2, base_url"; empty for settings with a key."""
    rest = location[key.count(".") + 1 :] if key else ()
    names = [part for part in rest if isinstance(part, str) and part.isidentifier() and part.islower()]
    numbers = [f"entry {part + 1}" for part in rest if isinstance(part, int)]
    return ", ".join([*numbers, *names[-1:]]) if key and location[-1:] != (key.rpartition(".")[2],) else ""


def _unknown_key(key: str, place: str) -> Mistake:
    section = key.rpartition(".")[0]
    known = catalogue().names_in(section)
    expected = f"one of {', '.join(known)}" if known else "no keys below it"
    entry = catalogue().entry(key)
    if entry is not None and entry.kind is not None:
        fix = f"remove it, or choose {section}.kind: {entry.kind}"
        return Mistake(place, f"{key} has no meaning with this {section}.kind", f"{section}.kind: {entry.kind}", fix)
    near = nearest_key(key)
    fix = f"did you mean {near}?" if near else f"remove it; {_ALL_SETTINGS}"
    return Mistake(place, f"unknown key {key}", expected, fix)


def _wrong_value(key: str, found: Any, place: str) -> Mistake:
    entry = catalogue().entry(key)
    near = nearest_word(entry, found) if entry is not None and isinstance(found, str) else None
    if near is not None:
        fix = f"did you mean {near}?"
    elif entry is not None and not isinstance(found, str) and "text" in entry.type_in_words:
        fix = f'put text in quotes, like {entry.name}: "..."'
    else:
        fix = f"change {key}, or remove it to have the default" if key else _ALL_SETTINGS
    return Mistake(place, f"{key} is {in_words(found)}", _expected(key), fix)


def _expected(key: str) -> str:
    entry = catalogue().entry(key)
    if entry is not None:
        return entry.type_in_words
    return f"a section with the keys {', '.join(catalogue().names_in(key))}"
