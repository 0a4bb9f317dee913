"""A learning curve drawn: a standalone SVG, and rows of letters for a terminal. Rows on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np

from luthier.evaluation.learning_curve import Curve, CurvePoint, interval
from luthier.evaluation.more_rows import RowsForecast

KNOTS = 120
WIDTH, HEIGHT, LEFT, BOTTOM = 640, 320, 44, 30
TEXT_WIDTH, TEXT_HEIGHT = 60, 14
STYLE = (
    "text{font:12px sans-serif;fill:#555}.grid{stroke:#ddd}.band{fill:#2a6fb0;opacity:.18}"
    ".curve{fill:none;stroke:#2a6fb0;stroke-width:2}.point{fill:#222}.forecast{stroke:#b0502a;stroke-width:2}"
)

Knot = tuple[float, float, float, float]


@dataclass(frozen=True)
class DrawnCurve:
    """``points``: rows and score of each training. ``knots`` (of the expected score) and ``forecasts`` (of a measured
    one): rows, low, middle, high."""

    points: tuple[tuple[int, float], ...]
    knots: tuple[Knot, ...]
    forecasts: tuple[Knot, ...]

    @property
    def ends(self) -> tuple[float, float]:
        """Of the axis of rows, in natural logarithms."""
        every = [rows for rows, *_ in (*self.points, *self.forecasts)]
        return math.log(min(every)), math.log(max(every))


def drawn_curve(points: Sequence[CurvePoint], curve: Curve, forecasts: Sequence[RowsForecast]) -> DrawnCurve:
    rows = [point.rows for point in points]
    knots = []
    for at in np.geomspace(min(rows), max(max(rows), *(each.rows for each in forecasts)), KNOTS):
        found = interval(curve.at(float(at)))
        knots.append((float(at), found.low, found.mean, found.high))
    ahead = tuple((float(f.rows), f.score.low, f.score.mean, f.score.high) for f in forecasts)
    return DrawnCurve(tuple((p.rows, p.score) for p in points), tuple(knots), ahead)


def curve_svg(drawn: DrawnCurve) -> str:
    """Band: 95 % interval of the expected score. Bars: 95 % interval of a measured one."""
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img"})
    SubElement(svg, "title").text = "Score by number of training rows"
    SubElement(svg, "style").text = STYLE
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10)
        _shape(svg, "line", "grid", x1=LEFT, x2=WIDTH - 8, y1=y, y2=y)
        _text(svg, LEFT - 6, y + 4, str(10 * tenth), "end")
    for rows in _ticks(drawn):
        _text(svg, _x(drawn, rows), HEIGHT - 8, f"{rows:,.0f}", "middle")
    upper = [f"{_x(drawn, rows)},{_y(high)}" for rows, _, _, high in drawn.knots]
    lower = [f"{_x(drawn, rows)},{_y(low)}" for rows, low, _, _ in reversed(drawn.knots)]
    _shape(svg, "polygon", "band", points=" ".join([*upper, *lower]))
    middle = " ".join(f"{_x(drawn, rows)},{_y(mean)}" for rows, _, mean, _ in drawn.knots)
    _shape(svg, "polyline", "curve", points=middle)
    for rows, low, _, high in drawn.forecasts:
        x = _x(drawn, rows)
        _shape(svg, "line", "forecast", x1=x, x2=x, y1=_y(low), y2=_y(high))
    for rows, score in drawn.points:
        _shape(svg, "circle", "point", cx=_x(drawn, rows), cy=_y(score), r=3.5)
    return tostring(svg, encoding="unicode") + "\n"


def curve_text(drawn: DrawnCurve) -> str:
    """o: measured; -: the curve; |: where a measured score would lie with so many rows."""
    canvas = [[" "] * TEXT_WIDTH for _ in range(TEXT_HEIGHT)]
    top = min(1.0, max(0.1, *(high for *_, high in drawn.forecasts), *(score for _, score in drawn.points)))

    def put(rows: float, score: float, letter: str) -> None:
        line = round((1 - min(score / top, 1.0)) * (TEXT_HEIGHT - 1))
        canvas[line][round(_share(drawn, rows) * (TEXT_WIDTH - 1))] = letter

    for rows, _, mean, _ in drawn.knots:
        put(rows, mean, "-")
    for rows, low, _, high in drawn.forecasts:
        for score in np.linspace(low, high, 2 * TEXT_HEIGHT):
            put(rows, float(score), "|")
    for rows, score in drawn.points:
        put(rows, score, "o")
    labels = {0: f"{100 * top:.0f}", TEXT_HEIGHT - 1: "0"}
    lines = [f"{labels.get(number, ''):>4} {''.join(line)}".rstrip() for number, line in enumerate(canvas)]
    return "\n".join([*lines, _axis_line(drawn)])


def _axis_line(drawn: DrawnCurve) -> str:
    """Numbers of rows under their columns; one that would run into its neighbour is left out."""
    axis = ""
    for rows in _ticks(drawn):
        label = f"{rows:,.0f}"
        start = 5 + round(_share(drawn, rows) * (TEXT_WIDTH - 1)) - len(label) // 2
        if start > len(axis) or not axis:
            axis = axis.ljust(start) + label
    return f"{axis} rows"


def _ticks(drawn: DrawnCurve) -> list[float]:
    """The sizes that were trained and those that are forecast."""
    kept: list[float] = []
    for rows in sorted({float(rows) for rows, *_ in (*drawn.points, *drawn.forecasts)}):
        if not kept or _share(drawn, rows) - _share(drawn, kept[-1]) > 0.09:
            kept.append(rows)
    return kept


def _share(drawn: DrawnCurve, rows: float) -> float:
    low, high = drawn.ends
    return (math.log(rows) - low) / max(high - low, 1e-9)


def _x(drawn: DrawnCurve, rows: float) -> float:
    return round(LEFT + 10 + _share(drawn, rows) * (WIDTH - LEFT - 40), 1)


def _y(score: float) -> float:
    return round(10 + (1 - score) * (HEIGHT - BOTTOM - 16), 1)


def _shape(svg: Element, kind: str, css: str, **places: object) -> None:
    SubElement(svg, kind, {"class": css, **{name: str(value) for name, value in places.items()}})


def _text(svg: Element, x: float, y: float, text: str, anchor: str) -> None:
    SubElement(svg, "text", {"x": str(x), "y": str(y), "text-anchor": anchor}).text = text
