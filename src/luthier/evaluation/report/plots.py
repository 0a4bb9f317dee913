"""The report's two drawings as inline SVG: arms with their intervals, and the loss curves.

Horizontal places are percentages and text keeps its size, so one drawing fits a phone, a screen and paper.
Colours are classes of report.css. Building with ElementTree escapes every label.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from luthier.evaluation.report.schema import Overfitting, Report
from luthier.evaluation.report.wording import bounds, count, metric_title, points

_ROW_HEIGHT = 46
_LOSS_HEIGHT = 240
_LONGEST_LABEL = 30
_LOGARITHMIC_FROM = 8
_LEAST_DRAWN_LOSS = 1e-4
_MOST_TICKS = 9
_MOST_CURVE_POINTS = 240


@dataclass(frozen=True)
class _Row:
    title: str
    kind: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    ticks: tuple[float, ...]
    is_logarithmic: bool = False

    def share(self, value: float) -> float:
        """Where ``value`` lies between the ends, 0 to 1, never outside the drawing."""
        low, high = self.low, self.high
        if self.is_logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(max(value, low))
        return min(1.0, max(0.0, (value - low) / (high - low)))


def forest_plot(report: Report) -> str:
    """Every arm's primary score with its interval; the classical baseline, if any, as a diamond."""
    rows = _forest_rows(report)
    if not rows:
        return ""
    axis = _axis_around([row.low for row in rows], [row.high for row in rows], least_span=0.1, ends=(0.0, 1.0))
    height = _ROW_HEIGHT * len(rows) + 22
    metric = metric_title(report.primary_metric)
    spoken = "; ".join(f"{row.title} {points(row.mean)}, {bounds(row.low, row.high)}" for row in rows)
    svg = _drawing("forest", height, f"{metric} of every arm", f"In points of 100, with 95 % intervals: {spoken}.")
    for tick in axis.ticks:
        x = _percent(axis.share(tick))
        _line(svg, x, 0, x, height - 20, "grid")
        _text(svg, x, height - 4, f"{tick * 100:g}", "tick", _anchor(axis.share(tick)))
    for number, row in enumerate(rows):
        _forest_row(svg, row, axis, number * _ROW_HEIGHT)
    return tostring(svg, encoding="unicode")


def loss_plot(curves: Overfitting) -> str:
    """Training and validation loss by step, with the best step; empty when nothing was recorded."""
    train, validation = _thinned(curves.train_curve), curves.validation_curve
    every = [*train, *validation]
    if not every:
        return ""
    losses = [loss for _, loss in every]
    vertical = _loss_axis(losses)
    last_step = max(1, max(step for step, _ in every))
    steps = _Axis(0, last_step, tuple(t for t in _nice_ticks(0, last_step) if t == int(t)))
    svg = _drawing("loss", _LOSS_HEIGHT + 24, "Loss by step", _speak_losses(curves))
    decimals = max((len(f"{tick:f}".rstrip("0").partition(".")[2]) for tick in vertical.ticks), default=0)
    for tick in vertical.ticks:
        y = _height(vertical, tick)
        _line(svg, "0%", y, "100%", y, "grid")
        label = f"{tick:g}" if vertical.is_logarithmic else f"{tick:.{decimals}f}"
        _text(svg, "-8", y + 4, label, "tick", "end")
    for tick in steps.ticks:
        _text(svg, _percent(steps.share(tick)), _LOSS_HEIGHT + 18, f"{tick:,.0f}", "tick", _anchor(steps.share(tick)))
    if curves.best_step is not None and validation:
        _best_step(svg, steps.share(curves.best_step), curves.best_step)
    for name, curve in (("train", train), ("validation", validation)):
        _curve(svg, name, [(steps.share(step), _height(vertical, loss)) for step, loss in curve])
    return tostring(svg, encoding="unicode")


def _forest_rows(report: Report) -> list[_Row]:
    rows = []
    for arm in report.arms:
        if score := arm.metrics.get(report.primary_metric):
            kind = "tuned" if arm.name == "tuned" else "untuned"
            rows.append(_Row(arm.title, kind, score.mean, score.low, score.high))
    baseline = report.baseline
    if baseline and baseline.metric == report.primary_metric:
        rows.append(_Row(baseline.name, "classical", baseline.mean, baseline.low, baseline.high))
    return rows


def _forest_row(svg: Element, row: _Row, axis: _Axis, top: int) -> None:
    group = SubElement(svg, "g", {"class": row.kind})
    title = row.title if len(row.title) <= _LONGEST_LABEL else f"{row.title[: _LONGEST_LABEL - 1]}…"
    _text(group, "0%", top + 14, title, "name", "start")
    figures = f"{points(row.mean)} ({bounds(row.low, row.high).replace(' to ', '–')})"
    _text(group, "100%", top + 14, figures, "figure", "end")
    y, low, high = top + 29, _percent(axis.share(row.low)), _percent(axis.share(row.high))
    _line(group, low, y, high, y, "interval")
    _line(group, low, y - 5, low, y + 5, "interval")
    _line(group, high, y - 5, high, y + 5, "interval")
    x = _percent(axis.share(row.mean))
    if row.kind == "classical":
        place = SubElement(group, "svg", {"x": x, "y": str(y), "overflow": "visible"})
        SubElement(place, "path", {"d": "M0-7 7 0 0 7-7 0z", "class": "mean"})
    else:
        SubElement(group, "circle", {"cx": x, "cy": str(y), "r": "6", "class": "mean"})


def _curve(svg: Element, name: str, places: Sequence[tuple[float, float]]) -> None:
    group = SubElement(svg, "g", {"class": name})
    if len(places) > 1:
        # Stretched sideways with the page; the stroke keeps its width.
        box = {"viewBox": f"0 0 1000 {_LOSS_HEIGHT}", "preserveAspectRatio": "none", "overflow": "visible"}
        stretched = SubElement(group, "svg", {**box, "width": "100%", "height": str(_LOSS_HEIGHT)})
        path = " ".join(f"{x * 1000:.1f},{y:.1f}" for x, y in places)
        SubElement(stretched, "polyline", {"points": path, "vector-effect": "non-scaling-stroke"})
    if name == "validation" or len(places) == 1:
        radius = "3.5" if len(places) <= 40 else "1.5"
        for x, y in places:
            SubElement(group, "circle", {"cx": _percent(x), "cy": f"{y:.1f}", "r": radius})


def _best_step(svg: Element, share: float, step: int) -> None:
    x = _percent(share)
    _line(svg, x, 0, x, _LOSS_HEIGHT, "best")
    on_the_left = share > 0.5
    mark = SubElement(svg, "svg", {"x": x, "overflow": "visible"})
    _text(mark, "-6" if on_the_left else "6", 12, f"best: step {step:,}", "tick", "end" if on_the_left else "start")


def _speak_losses(curves: Overfitting) -> str:
    said = []
    for name, curve in (("Training", curves.train_curve), ("Validation", curves.validation_curve)):
        if curve:
            starts, ends = (f"{loss:.3g} at step {count(step)}" for step, loss in (curve[0], curve[-1]))
            said.append(f"{name} loss went from {starts} to {ends}")
    return "; ".join(said) + "."


def curve_stride(curve: Sequence[tuple[int, float]]) -> int:
    """How many recorded steps one drawn point of the training curve averages."""
    return max(1, math.ceil(len(curve) / _MOST_CURVE_POINTS))


def _thinned(curve: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Means over equal stretches, so that thousands of steps stay one readable line."""
    stride = curve_stride(curve)
    stretches = [curve[start : start + stride] for start in range(0, len(curve), stride)]
    return [(stretch[len(stretch) // 2][0], sum(loss for _, loss in stretch) / len(stretch)) for stretch in stretches]


def _axis_around(
    lows: Sequence[float], highs: Sequence[float], *, least_span: float, ends: tuple[float, float] | None = None
) -> _Axis:
    """An axis with some air round the values, widened to ``least_span`` and held within ``ends``."""
    low, high = min(lows), max(highs)
    air = max(least_span - (high - low), 0.12 * (high - low)) / 2
    low, high = low - air, high + air
    if ends:
        # A zoomed axis shows small differences; when most of the range is used, all of it is shown.
        low, high = ends if high - low > 0.6 else (max(ends[0], low), min(ends[1], high))
    ticks = _nice_ticks(low, high)
    return _Axis(low, high, tuple(tick for tick in ticks if low <= tick <= high))


def _loss_axis(losses: Sequence[float]) -> _Axis:
    """Logarithmic where the first steps would otherwise press all later ones flat onto the ground."""
    low, high = min(losses), max(losses)
    if low < _LEAST_DRAWN_LOSS or high < _LOGARITHMIC_FROM * low:
        positive = [loss for loss in losses if loss >= _LEAST_DRAWN_LOSS]
        if not positive or max(positive) < _LOGARITHMIC_FROM * min(positive):
            return _axis_around(losses, losses, least_span=0.01)
        low = min(positive)
    low, high = low / 1.2, high * 1.2
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [10.0**power * nice for power in powers for nice in (1, 2, 5) if low <= 10.0**power * nice <= high]
    if len(ticks) > _MOST_TICKS:
        ticks = [tick for tick in ticks if f"{tick:e}".startswith("1.0")]
    return _Axis(low, high, tuple(ticks), is_logarithmic=True)


def _nice_ticks(low: float, high: float) -> list[float]:
    """Four to eight round values that span low to high."""
    rough = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _height(axis: _Axis, value: float) -> float:
    return round((1 - axis.share(value)) * _LOSS_HEIGHT, 1)


def _percent(share: float) -> str:
    return f"{share * 100:.2f}%"


def _anchor(share: float) -> str:
    """Labels at the ends stay inside the drawing."""
    return "start" if share < 0.03 else "end" if share > 0.97 else "middle"


def _drawing(name: str, height: int, title: str, description: str) -> Element:
    labels = {"role": "img", "aria-labelledby": f"{name}-title {name}-description"}
    svg = Element("svg", {"class": f"plot {name}", "width": "100%", "height": str(height), **labels})
    SubElement(svg, "title", {"id": f"{name}-title"}).text = title
    SubElement(svg, "desc", {"id": f"{name}-description"}).text = description
    return svg


def _line(parent: Element, x1: str, y1: float, x2: str, y2: float, name: str) -> None:
    SubElement(parent, "line", {"x1": x1, "y1": str(y1), "x2": x2, "y2": str(y2), "class": name})


def _text(parent: Element, x: str, y: float, text: str, name: str, anchor: str) -> None:
    SubElement(parent, "text", {"x": x, "y": str(y), "class": name, "text-anchor": anchor}).text = text
