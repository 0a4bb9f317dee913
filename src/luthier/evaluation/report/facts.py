"""Free dictionaries (preflight counts, contract counts, environment, recipe) as table rows or as YAML."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from luthier.evaluation.report.wording import JOINT, label, value_text

_MOST_ROWS = 60
_MOST_LISTED = 12
_MOST_SAMPLES = 5


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
    rows = list(_walk((), data)) if data else []
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
    way = " › ".join(path)
    if path and isinstance(value, Mapping) and _is_row_of_figures(value):
        yield Fact(way, _in_a_row(value), True)
    elif isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _walk((*path, label(str(key))), inner)
    elif _is_list(value) and any(_is_list(item) or isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value[:_MOST_SAMPLES], start=1):
            yield Fact(f"{way} › {number}", _on_one_line(item), False)
        if len(value) > _MOST_SAMPLES:
            yield Fact(way, f"and {len(value) - _MOST_SAMPLES:,} more in report.json", False)
    else:
        yield Fact(way, _on_one_line(value), _is_figure(value))


def _is_figure(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _is_row_of_figures(values: Mapping[str, Any]) -> bool:
    """Figures of one kind (train, validation, golden) read best side by side."""
    return len(values) > 1 and all(_is_figure(value) for value in values.values())


def _in_a_row(values: Mapping[str, Any]) -> str:
    shown = [f"{label(str(key))}{JOINT}{value_text(value)}" for key, value in values.items()][:_MOST_LISTED]
    left = len(values) - len(shown)
    return " · ".join([*shown, f"and {left:,} more"] if left else shown)


def _on_one_line(value: Any) -> str:
    """A whole sample (a bad row, two answers in conflict) in one cell."""
    if isinstance(value, Mapping):
        return " · ".join(f"{label(str(key))}: {_on_one_line(inner)}" for key, inner in value.items()) or "none"
    if not _is_list(value):
        return value_text(value)
    shown = [_on_one_line(item) for item in value[:_MOST_LISTED]]
    left = len(value) - len(shown)
    separator = " / " if any(isinstance(item, Mapping) for item in value) else ", "
    return separator.join([*shown, f"and {left:,} more"] if left else shown) or "none"
