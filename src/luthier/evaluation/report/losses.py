"""The loss curves as inline SVG, with the best step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from luthier.evaluation.report.drawing import Axis, anchor, axis_around, drawing, line, nice_ticks, percent, text
from luthier.evaluation.report.schema import Overfitting
from luthier.evaluation.report.wording import count

_LOSS_HEIGHT = 240
_LOGARITHMIC_FROM = 8
_LEAST_DRAWN_LOSS = 1e-4
_MOST_TICKS = 9
_MOST_CURVE_POINTS = 240


def loss_plot(curves: Overfitting) -> str:
    """Training and validation loss by step, with the best step; empty when nothing was recorded."""
    train, validation = _thinned(curves.train_curve), curves.validation_curve
    every = [*train, *validation]
    if not every:
        return ""
    losses = [loss for _, loss in every]
    vertical = _loss_axis(losses)
    last_step = max(1, max(step for step, _ in every))
    steps = Axis(0, last_step, tuple(t for t in nice_ticks(0, last_step) if t == int(t)))
    svg = drawing("loss", _LOSS_HEIGHT + 24, "Loss by step", _speak_losses(curves))
    decimals = max((len(f"{tick:f}".rstrip("0").partition(".")[2]) for tick in vertical.ticks), default=0)
    for tick in vertical.ticks:
        y = _height(vertical, tick)
        line(svg, "0%", y, "100%", y, "grid")
        label = f"{tick:g}" if vertical.is_logarithmic else f"{tick:.{decimals}f}"
        text(svg, "-8", y + 4, label, "tick", "end")
    for tick in steps.ticks:
        text(svg, percent(steps.share(tick)), _LOSS_HEIGHT + 18, f"{tick:,.0f}", "tick", anchor(steps.share(tick)))
    if curves.best_step is not None and validation:
        _best_step(svg, steps.share(curves.best_step), curves.best_step)
    for name, curve in (("train", train), ("validation", validation)):
        _curve(svg, name, [(steps.share(step), _height(vertical, loss)) for step, loss in curve])
    return tostring(svg, encoding="unicode")


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
            SubElement(group, "circle", {"cx": percent(x), "cy": f"{y:.1f}", "r": radius})


def _best_step(svg: Element, share: float, step: int) -> None:
    x = percent(share)
    line(svg, x, 0, x, _LOSS_HEIGHT, "best")
    on_the_left = share > 0.5
    mark = SubElement(svg, "svg", {"x": x, "overflow": "visible"})
    text(mark, "-6" if on_the_left else "6", 12, f"best: step {step:,}", "tick", "end" if on_the_left else "start")


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


def _loss_axis(losses: Sequence[float]) -> Axis:
    """Logarithmic where the first steps would otherwise press all later ones flat onto the ground."""
    low, high = min(losses), max(losses)
    if low < _LEAST_DRAWN_LOSS or high < _LOGARITHMIC_FROM * low:
        positive = [loss for loss in losses if loss >= _LEAST_DRAWN_LOSS]
        if not positive or max(positive) < _LOGARITHMIC_FROM * min(positive):
            return axis_around(losses, losses, least_span=0.01)
        low = min(positive)
    low, high = low / 1.2, high * 1.2
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [10.0**power * nice for power in powers for nice in (1, 2, 5) if low <= 10.0**power * nice <= high]
    if len(ticks) > _MOST_TICKS:
        ticks = [tick for tick in ticks if f"{tick:e}".startswith("1.0")]
    return Axis(low, high, tuple(ticks), is_logarithmic=True)


def _height(axis: Axis, value: float) -> float:
    return round((1 - axis.share(value)) * _LOSS_HEIGHT, 1)
