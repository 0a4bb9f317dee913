"""Reading YAML that people wrote: plain values, the line of every key, and one clear error when it is not YAML."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node

from luthier.errors import RecipeError

_DATA_SUFFIXES = {".jsonl", ".csv", ".tsv", ".parquet", ".gz"}
_DEEPEST = 50


class _PlainConstructor(SafeConstructor):
    """Dates stay text: no setting is a date, and a run may be named after one."""


_PlainConstructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


@dataclass(frozen=True)
class Kind:
    """What a file is to hold, for its errors: what it is called, its first lines, and where one comes from."""

    name: str
    begins: str
    help: str
    may_be_empty: bool = False


RECIPE = Kind(
    "a recipe", "begin with `data:` and, below it, `  train: rows.jsonl`", "luthier init rows.jsonl writes one"
)


@dataclass(frozen=True)
class Document:
    """A YAML file: its values, and the tree they came from, which knows the lines."""

    file: str
    values: dict[str, Any]
    tree: Node

    def line_of(self, path: tuple[str, ...]) -> int | None:
        """Line (from 1) of the deepest key of ``path`` that is written in the file."""
        line, node = None, self.tree
        for name in path:
            found = next(((k, v) for k, v in _pairs(node) if k.value == name), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        return line


def read_document(path: Path, kind: Kind = RECIPE) -> Document:
    """Read a YAML file whose top is a mapping."""
    text = _read_text(path, kind)
    try:
        _refuse_oddities(text)
        tree = _yaml().compose(text)
        values = _yaml().load(text)
    except (YAMLError, ValueError) as error:
        raise RecipeError(
            f"{path}{_line_of_error(error)}: {_problem(error, text)}",
            expected="YAML: `key: value` lines, indented with spaces",
            fix=_fix_for(path, f"mend that line; {kind.help}"),
        ) from None
    if values is None and kind.may_be_empty:
        values = {}
    if values is None:
        raise RecipeError(f"{path} is empty", expected=f"{kind.name}; {kind.begins}", fix=kind.help)
    if not isinstance(values, dict):
        raise RecipeError(
            f"{path}: {'a list' if isinstance(values, list) else 'a single value'} at the top",
            expected=f"{kind.name}: `key: value` lines",
            fix=_fix_for(path, kind.begins),
        )
    return Document(str(path), _with_text_keys(values), tree)


def parse_value(text: str) -> Any:
    """One YAML value, as written after `--set key=`; raises ValueError when it is not YAML."""
    try:
        _refuse_oddities(text)
        return _with_text_keys(_yaml().load(text))
    except (YAMLError, ValueError) as error:
        raise ValueError(_problem(error, text)) from None


def _refuse_oddities(text: str) -> None:
    """Raise on aliases and tags, since a setting is written where it is read, and before recursion gets too deep."""
    depth = 0
    for event in _yaml().parse(text):
        line = event.start_mark.line + 1
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"lists or mappings nested too deeply in line {line}")
        if isinstance(event, AliasEvent):
            raise ValueError(f"an alias (*{event.anchor}) in line {line}; write the value out")
        if getattr(event, "tag", None):
            raise ValueError(f"a tag ({event.tag}) in line {line}; write the plain value")


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _PlainConstructor
    return yaml


def _read_text(path: Path, kind: Kind) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise RecipeError(f"{path} does not exist", expected=f"{kind.name} (a YAML file)", fix=kind.help) from None
    except IsADirectoryError:
        raise RecipeError(f"{path} is a folder", expected=kind.name, fix=f"name a file in {path}") from None
    except OSError as error:
        raise RecipeError(
            f"{path} cannot be read ({error.strerror})", expected="a readable file", fix="check its permissions"
        ) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RecipeError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8",
            expected="a text file in UTF-8",
            fix=_fix_for(path, "save the file as UTF-8 in your editor"),
        ) from None


def _with_text_keys(value: Any) -> Any:
    """YAML allows any value as a key; settings and JSON know only text."""
    match value:
        case dict():
            return {k if isinstance(k, str) else json.dumps(k): _with_text_keys(item) for k, item in value.items()}
        case list():
            return [_with_text_keys(item) for item in value]
        case _:
            return value


def _fix_for(path: Path, otherwise: str) -> str:
    if path.suffix in _DATA_SUFFIXES:
        return f"{path.name} looks like data: `luthier init {path.name}` writes a recipe for it"
    return otherwise


def _pairs(node: Node) -> list[tuple[Node, Node]]:
    return node.value if isinstance(node, MappingNode) else []


def _line_of_error(error: Exception) -> str:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    return f", line {mark.line + 1}" if mark is not None else ""


def _problem(error: Exception, text: str) -> str:
    """The parser's words, shortened, except where it is known what people mean by such a line."""
    if not isinstance(error, MarkedYAMLError):
        return " ".join(str(error).split("\n")[0].split())
    lines = text.splitlines()
    mark = error.problem_mark
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "indented with a tab"
    return (error.problem or error.context or "not YAML").split("\n")[0].replace("\t", "\\t")
