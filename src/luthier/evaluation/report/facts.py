"""Free dictionaries (preflight counts, contract counts, environment, recipe) as table rows or as YAML."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.evaluation.report.wording import JOINT, label, value_text

_MOST_ROWS = 60
_MOST_LISTED = 12
_MOST_IN_A_ROW = 8


@dataclass(frozen=True)
class Fact:
    label: str
    value: str
    is_figure: bool


@dataclass(frozen=True)
class Finding:
    """Something preflight noticed. Severity is "stop", "warn" or "note"."""

    severity: str
    message: str


def list_facts(data: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Every value with the way to it; past the limit a last row says how many are left in report.json."""
    rows = list(_walk((), data))
    if len(rows) > _MOST_ROWS:
        left = len(rows) - _MOST_ROWS
        rows = [*rows[:_MOST_ROWS], Fact("more", f"{left:,} further values in report.json", False)]
    return tuple(rows)


def list_findings(preflight: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The findings, the gravest first."""
    order = {"stop": 0, "warn": 1, "note": 2}
    found = [
        Finding(str(row.get("severity", "note")), str(row.get("message", "")))
        for row in preflight.get("findings") or ()
        if isinstance(row, Mapping)
    ]
    return tuple(sorted(found, key=lambda finding: order.get(finding.severity, 1)))


def as_yaml(data: Mapping[str, Any]) -> str:
    """A dictionary as YAML, keys in their own order."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.representer.sort_base_mapping_type_on_output = False
    text = io.StringIO()
    yaml.dump(dict(data), text)
    return text.getvalue()


def _walk(path: tuple[str, ...], value: Any) -> Iterator[Fact]:
    if path and isinstance(value, Mapping) and _is_row_of_figures(value):
        figures = " · ".join(f"{label(str(key))}{JOINT}{value_text(inner)}" for key, inner in value.items())
        yield Fact(" › ".join(path), figures, True)
    elif isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _walk((*path, label(str(key))), inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from _walk_list(path, value)
    else:
        text = "none" if isinstance(value, Mapping) else value_text(value)
        yield Fact(" › ".join(path), text, _is_figure(value))


def _is_figure(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_row_of_figures(values: Mapping[str, Any]) -> bool:
    """A few figures of one kind (train, validation, golden) read best side by side."""
    return 1 < len(values) <= _MOST_IN_A_ROW and all(_is_figure(value) for value in values.values())


def _walk_list(path: tuple[str, ...], values: Sequence[Any]) -> Iterator[Fact]:
    if any(isinstance(value, (Mapping, list)) for value in values):
        for number, value in enumerate(values, start=1):
            yield from _walk((*path, str(number)), value)
        return
    shown = [value_text(value) for value in values[:_MOST_LISTED]]
    if len(values) > _MOST_LISTED:
        shown.append(f"and {len(values) - _MOST_LISTED:,} more")
    yield Fact(" › ".join(path), ", ".join(shown) or "none", False)
