"""The nearest thing that a mistyped key or word may have meant."""

from __future__ import annotations

import difflib
import json
from typing import Any

from luthier.recipe.catalogue import Entry, catalogue


def nearest_key(key: str) -> str | None:
    """What was probably meant: the very name in another section, a neighbour in the same section, a like name."""
    section, _, name = key.rpartition(".")
    elsewhere: dict[str, list[str]] = {}
    for item in (*catalogue().sections, *catalogue().entries):
        elsewhere.setdefault(item.key.rpartition(".")[2], []).append(item.key)
    if name in elsewhere:
        return " or ".join(elsewhere[name])
    near = difflib.get_close_matches(name, catalogue().names_in(section), n=1, cutoff=0.6)
    if near:
        return f"{section}.{near[0]}" if section else near[0]
    near = difflib.get_close_matches(name, list(elsewhere), n=1, cutoff=0.75)
    return " or ".join(elsewhere[near[0]]) if near else None


def nearest_word(entry: Entry, value: str) -> str | None:
    """The allowed word that ``value`` resembles."""
    words = {word.lower(): word for word in _words(entry.schema) if isinstance(word, str)}
    typed = value.lower()
    begun = [word for word in words if typed and word.startswith(typed)]
    near = begun or difflib.get_close_matches(typed, list(words), n=1, cutoff=0.6)
    return words[near[0]] if near else None


def in_words(value: Any) -> str:
    """A value as it was found, with its kind, short enough for one line."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {_short(value)!r}"
        case list() | tuple():
            return f"the list {_short(json.dumps(value, ensure_ascii=False))}"
        case _:
            return f"the mapping {_short(json.dumps(value, ensure_ascii=False))}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _words(schema: dict[str, Any]) -> list[Any]:
    below = [*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]
    own = [schema["const"]] if "const" in schema else schema.get("enum", [])
    return [*own, *(word for part in below for word in _words(part))]
