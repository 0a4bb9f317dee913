"""Every setting as one flat list: what the docs, the starter recipe, suggestions and error messages are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from luthier.recipe.recipe import Recipe


@dataclass(frozen=True)
class Entry:
    """One setting. ``kind`` is set when it exists only under that kind of its section (`method.rank`: "lora")."""

    key: str
    schema: dict[str, Any]
    is_required: bool
    kind: str | None = None

    @property
    def section(self) -> str:
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        return self.key.rpartition(".")[2]

    @property
    def default(self) -> Any:
        return self.schema.get("default")

    @property
    def description(self) -> str:
        return self.schema["description"]

    @property
    def type_in_words(self) -> str:
        return type_in_words(self.schema)


@dataclass(frozen=True)
class Section:
    """A group of settings and what it is for; ``kinds`` when it comes in several."""

    key: str
    description: str
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """All entries in reading order, and the sections they live in."""

    entries: tuple[Entry, ...]
    sections: tuple[Section, ...]

    def entry(self, key: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.key == key), None)

    def section(self, key: str) -> Section | None:
        return next((section for section in self.sections if section.key == key), None)

    def names_in(self, section: str) -> list[str]:
        """Keys that may stand directly under ``section`` ("" is the top)."""
        keys = [item.key for item in (*self.sections, *self.entries)]
        return list(dict.fromkeys(key.rpartition(".")[2] for key in keys if key.rpartition(".")[0] == section))


@cache  # the models do not change while a program runs
def catalogue() -> Catalogue:
    """Flatten the JSON schema of the recipe."""
    schema = Recipe.model_json_schema()
    found = list(_walk("", schema, schema["$defs"]))
    return Catalogue(
        entries=tuple(item for item in found if isinstance(item, Entry)),
        sections=tuple(item for item in found if isinstance(item, Section)),
    )


def _walk(
    prefix: str, group: dict[str, Any], definitions: dict[str, Any], kind: str | None = None
) -> Iterator[Entry | Section]:
    for name, schema in group["properties"].items():
        key = prefix + name
        variants = [_follow(part, definitions) for part in schema.get("oneOf", [schema]) if "$ref" in part]
        if not variants:
            yield Entry(key, schema, name in group.get("required", ()), kind)
        elif len(variants) == 1:
            yield Section(key, schema["description"])
            yield from _walk(f"{key}.", variants[0], definitions, kind)
        else:
            yield from _walk_kinds(key, schema, variants, definitions)


def _walk_kinds(
    key: str, schema: dict[str, Any], variants: list[dict[str, Any]], definitions: dict[str, Any]
) -> Iterator[Entry | Section]:
    kinds = tuple(variant["properties"]["kind"]["const"] for variant in variants)
    yield Section(key, schema["description"], kinds)
    about_kind = variants[0]["properties"]["kind"]
    choice = {"enum": list(kinds), "default": schema["default"]["kind"], "description": about_kind["description"]}
    yield Entry(f"{key}.kind", choice, is_required=False)
    for kind, variant in zip(kinds, variants, strict=True):
        others = {name: part for name, part in variant["properties"].items() if name != "kind"}
        yield from _walk(f"{key}.", {**variant, "properties": others}, definitions, kind)


def _follow(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    return definitions[schema["$ref"].rpartition("/")[2]]


def type_in_words(schema: dict[str, Any]) -> str:
    """A JSON schema as a person would say it: "`auto` or a number greater than 0"."""
    match schema:
        case {"format": "path", **others}:
            words = [f"`{word}`" for word in schema["words"]] + ["path"] + ["`null`"] * ("anyOf" in others)
            return " or ".join(words)
        case {"anyOf": parts}:
            return " or ".join(type_in_words(part) for part in parts)
        case {"const": value}:
            return f"`{value}`"
        case {"enum": values}:
            return "one of " + ", ".join(f"`{value}`" for value in values)
        case {"type": "array"}:
            return f"list ({type_in_words(schema['items'])})"
        case {"type": "string"}:
            return "text"
        case {"$ref": _}:
            return "mapping"
        case _:
            return _PLAIN_WORDS[schema["type"]] + _bounds_in_words(schema)


_PLAIN_WORDS = {
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "object": "mapping",
    "null": "`null`",
}


def _bounds_in_words(schema: dict[str, Any]) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "greater than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    bounds = [f"{word} {schema[bound]}" for bound, word in words.items() if bound in schema]
    return f" ({', '.join(bounds)})" if bounds else ""
