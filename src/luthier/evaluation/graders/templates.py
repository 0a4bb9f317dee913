"""Texts with places to fill: `{{item.rows[0].name}}` and `{{sample.output_text}}`. Nothing in them is ever executed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAMESPACES = ("item", "sample")
_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
# After the namespace: .key, [3], ["key with anything"].
_STEP = re.compile(r"""\.\s*([^.\[\]{}"']+)|\[\s*(\d+)\s*\]|\[\s*"([^"]*)"\s*\]|\[\s*'([^']*)'\s*\]""")


class UnknownVariable(Exception):
    """A path that leads nowhere in this item and sample."""


@dataclass(frozen=True)
class Variable:
    """``path`` begins with the namespace; numbers are places in lists."""

    path: tuple[str | int, ...]
    written: str

    def find(self, variables: Mapping[str, Any]) -> Any:
        found: Any = variables
        for step in self.path:
            match found:
                case Mapping() if step in found:
                    found = found[step]
                case list() | tuple() if str(step).isdecimal() and int(step) < len(found):
                    found = found[int(step)]
                case _:
                    raise UnknownVariable(self.written)
        return found


@dataclass(frozen=True)
class Template:
    """Fixed text and variables, in the order they were written."""

    parts: tuple[str | Variable, ...]

    @property
    def variables(self) -> tuple[Variable, ...]:
        return tuple(part for part in self.parts if isinstance(part, Variable))

    def fill(self, variables: Mapping[str, Any]) -> str:
        """Strings as they are, everything else as JSON text. Raises UnknownVariable."""
        return "".join(part if isinstance(part, str) else as_text(part.find(variables)) for part in self.parts)

    def value(self, variables: Mapping[str, Any]) -> Any:
        """The value itself where the template is one variable and nothing else; else the filled text."""
        match self.parts:
            case (Variable() as only,):
                return only.find(variables)
        return self.fill(variables)


def parse_template(text: str) -> Template:
    """Raises ValueError for a place that names no variable of `item` or `sample`."""
    parts: list[str | Variable] = []
    end = 0
    for place in _PLACE.finditer(text):
        parts += [text[end : place.start()], _variable(place[1])]
        end = place.end()
    return Template(tuple(part for part in (*parts, text[end:]) if part != ""))


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _variable(written: str) -> Variable:
    text = written.strip()
    namespace = next((name for name in NAMESPACES if re.match(rf"{name}\s*($|[.\[])", text)), None)
    if namespace is None:
        raise ValueError(f"{{{{{written}}}}} names neither item nor sample")
    path: list[str | int] = [namespace]
    place = len(namespace)
    while rest := text[place:].strip():
        place = len(text) - len(rest)
        step = _STEP.match(text, place)
        if step is None:
            raise ValueError(f"{{{{{written}}}}} cannot be read from {rest!r} on")
        key, index, *quoted = step.groups()
        names = (key and key.strip(), *quoted)
        path.append(int(index) if index is not None else next(name for name in names if name is not None))
        place = step.end()
    return Variable(tuple(path), text)
