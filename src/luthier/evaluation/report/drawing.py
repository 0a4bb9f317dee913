"""What the report's drawings are made of: inline SVG whose horizontal places are percentages, and axes.

Text keeps its size while the page is stretched, so one drawing fits a phone, a screen and paper. Colours are classes of
report.css. Building with ElementTree escapes every label.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement


@dataclass(frozen=True)
class Axis:
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


def axis_around(
    lows: Sequence[float], highs: Sequence[float], *, least_span: float, ends: tuple[float, float] | None = None
) -> Axis:
    """An axis with some air round the values, widened to ``least_span`` and held within ``ends``."""
    low, high = min(lows), max(highs)
    air = max(least_span - (high - low), 0.12 * (high - low)) / 2
    low, high = low - air, high + air
    if ends:
        # A zoomed axis shows small differences; when most of the range is used, all of it is shown.
        low, high = ends if high - low > 0.6 else (max(ends[0], low), min(ends[1], high))
    ticks = nice_ticks(low, high)
    return Axis(low, high, tuple(tick for tick in ticks if low <= tick <= high))


def nice_ticks(low: float, high: float) -> list[float]:
    """Four to eight round values that span low to high."""
    rough = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def percent(share: float) -> str:
    return f"{share * 100:.2f}%"


def anchor(share: float) -> str:
    """Labels at the ends stay inside the drawing."""
    return "start" if share < 0.03 else "end" if share > 0.97 else "middle"


def drawing(name: str, height: int, title: str, description: str) -> Element:
    labels = {"role": "img", "aria-labelledby": f"{name}-title {name}-description"}
    svg = Element("svg", {"class": f"plot {name}", "width": "100%", "height": str(height), **labels})
    SubElement(svg, "title", {"id": f"{name}-title"}).text = title
    SubElement(svg, "desc", {"id": f"{name}-description"}).text = description
    return svg


def line(parent: Element, x1: str, y1: float, x2: str, y2: float, name: str) -> None:
    SubElement(parent, "line", {"x1": x1, "y1": str(y1), "x2": x2, "y2": str(y2), "class": name})


def text(parent: Element, x: str, y: float, text: str, name: str, anchor: str) -> None:
    SubElement(parent, "text", {"x": x, "y": str(y), "class": name, "text-anchor": anchor}).text = text
