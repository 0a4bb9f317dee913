"""Forest plots as inline SVG: every arm's score with its interval, and every paired difference with its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from luthier.evaluation.report.drawing import Axis, anchor, axis_around, drawing, line, percent, text
from luthier.evaluation.report.schema import Comparison, Report
from luthier.evaluation.report.sentences import TUNED, mark_of
from luthier.evaluation.report.wording import MINUS, bounds, metric_title, points, signed_points

_ROW_HEIGHT = 46
_LONGEST_LABEL = 30


@dataclass(frozen=True)
class ForestRow:
    """``kind`` is its class in report.css; figures are shares, or differences of shares."""

    title: str
    kind: str
    mean: float
    low: float
    high: float


def forest_plot(report: Report) -> str:
    """Every arm's primary score with its interval; the classical baseline, if any, as a diamond."""
    rows = []
    for arm in report.arms:
        if score := arm.metrics.get(report.primary_metric):
            kind = "tuned" if arm.name == TUNED else "untuned"
            rows.append(ForestRow(arm.title, kind, score.mean, score.low, score.high))
    baseline = report.baseline
    if baseline and baseline.metric == report.primary_metric:
        rows.append(ForestRow(baseline.name, "classical", baseline.mean, baseline.low, baseline.high))
    return draw_scores(rows, report.primary_metric)


def difference_plot(report: Report) -> str:
    """Tuned minus each other arm on the primary metric, paired by item; right of zero, tuned is better."""
    rows = []
    for pair in report.comparisons:
        if pair.metric == report.primary_metric and TUNED in (pair.better, pair.worse):
            other = pair.worse if pair.better == TUNED else pair.better
            rows.append(
                difference_row(f"against {report.title_of(other)}", pair, sign=1 if other == pair.worse else -1)
            )
    return draw_differences(rows, f"Tuned minus each other arm, {metric_title(report.primary_metric)}")


def difference_row(title: str, pair: Comparison, sign: int) -> ForestRow:
    """The comparison as it stands, or turned round (``sign`` -1)."""
    low, high = (pair.low, pair.high) if sign > 0 else (-pair.high, -pair.low)
    return ForestRow(title, mark_of(pair), sign * pair.difference, low, high)


def draw_scores(rows: Sequence[ForestRow], metric: str) -> str:
    """Scores between 0 and 1; empty when there are none."""
    if not rows:
        return ""
    axis = axis_around([row.low for row in rows], [row.high for row in rows], least_span=0.1, ends=(0.0, 1.0))
    spoken = "; ".join(f"{row.title} {points(row.mean)}, {bounds(row.low, row.high)}" for row in rows)
    description = f"In points of 100, with 95 % intervals: {spoken}."
    svg = drawing("forest", _height(rows), f"{metric_title(metric)} of every arm", description)
    _grid(svg, rows, axis, signed=False)
    for number, row in enumerate(rows):
        _row(svg, row, axis, number * _ROW_HEIGHT, signed=False)
    return tostring(svg, encoding="unicode")


def draw_differences(rows: Sequence[ForestRow], title: str) -> str:
    """Differences between -1 and 1 round a line at zero; empty when there are none."""
    if not rows:
        return ""
    axis = axis_around([*(row.low for row in rows), 0.0], [*(row.high for row in rows), 0.0], least_span=0.1)
    spoken = "; ".join(
        f"{row.title} {signed_points(row.mean)}, {bounds(row.low, row.high, signed=True)}" for row in rows
    )
    svg = drawing("differences", _height(rows), title, f"In points of 100, with 95 % intervals: {spoken}.")
    _grid(svg, rows, axis, signed=True)
    zero = percent(axis.share(0.0))
    line(svg, zero, 0, zero, _height(rows) - 20, "zero")
    for number, row in enumerate(rows):
        _row(svg, row, axis, number * _ROW_HEIGHT, signed=True)
    return tostring(svg, encoding="unicode")


def _height(rows: Sequence[ForestRow]) -> int:
    return _ROW_HEIGHT * len(rows) + 22


def _grid(svg: Element, rows: Sequence[ForestRow], axis: Axis, *, signed: bool) -> None:
    height = _height(rows)
    for tick in axis.ticks:
        x = percent(axis.share(tick))
        line(svg, x, 0, x, height - 20, "grid")
        figure = f"{tick * 100:+g}" if signed and tick else f"{tick * 100:g}"
        text(svg, x, height - 4, figure.replace("-", MINUS), "tick", anchor(axis.share(tick)))


def _row(svg: Element, row: ForestRow, axis: Axis, top: int, *, signed: bool) -> None:
    group = SubElement(svg, "g", {"class": row.kind})
    title = row.title if len(row.title) <= _LONGEST_LABEL else f"{row.title[: _LONGEST_LABEL - 1]}…"
    text(group, "0%", top + 14, title, "name", "start")
    said = signed_points(row.mean) if signed else points(row.mean)
    # An en dash between signed numbers would read as one more minus.
    between = bounds(row.low, row.high, signed=signed)
    figures = f"{said} ({between if signed else between.replace(' to ', '–')})"
    text(group, "100%", top + 14, figures, "figure", "end")
    y, low, high = top + 29, percent(axis.share(row.low)), percent(axis.share(row.high))
    line(group, low, y, high, y, "interval")
    line(group, low, y - 5, low, y + 5, "interval")
    line(group, high, y - 5, high, y + 5, "interval")
    x = percent(axis.share(row.mean))
    if row.kind == "classical":
        place = SubElement(group, "svg", {"x": x, "y": str(y), "overflow": "visible"})
        SubElement(place, "path", {"d": "M0-7 7 0 0 7-7 0z", "class": "mean"})
    else:
        SubElement(group, "circle", {"cx": x, "cy": str(y), "r": "6", "class": "mean"})
