"""How figures are written for people: points, intervals, minutes, bytes, tokens.

A score of 0.913 is written as 91.3 points. An interval is always two bounds, because "± 0" is never true.
"""

from __future__ import annotations

import re

MINUS = "\u2212"
MISSING = "\u2013"
# Keeps a figure and what belongs to it on one line.
JOINT = "\u00a0"
_CAPITALS = {"json": "JSON", "f1": "F1", "id": "ID", "bleu": "BLEU"}


def points(share: float, decimals: int = 1) -> str:
    """A share between 0 and 1 in points of 100."""
    # Adding zero turns the -0.0 of a rounded tiny loss into 0.0.
    value = round(share * 100, decimals) + 0.0
    return f"{value:.{decimals}f}".replace("-", MINUS)


def signed_points(share: float, decimals: int = 1) -> str:
    """A difference in points, with its sign."""
    text = points(share, decimals)
    return text if text.startswith(MINUS) or float(text) == 0 else f"+{text}"


def bounds(low: float, high: float, *, signed: bool = False) -> str:
    """Both ends of an interval, with as many decimals as it takes to tell them apart."""
    write = signed_points if signed else points
    ends = write(low), write(high)
    for decimals in (2, 3):
        if ends[0] == ends[1]:
            ends = write(low, decimals), write(high, decimals)
    return f"{ends[0]} to {ends[1]}"


def spread(low: float, high: float, n: int) -> str:
    """An interval with its count, as it stands beside a score."""
    return f"{bounds(low, high)}, {items(n)}"


def items(n: int) -> str:
    """How many items a figure rests on."""
    return f"n{JOINT}={JOINT}{count(n)}"


def p_value(p: float) -> str:
    text = "< 0.001" if p < 0.001 else f"= {p:.2f}" if p >= 0.095 else f"= {p:.3f}"
    return f"p {text}".replace(" ", JOINT)


def count(value: float) -> str:
    """A whole number with commas; from a million on in millions."""
    if abs(value) >= 999_500_000:
        return f"{value / 1e9:.2f} billion"
    if abs(value) >= 1_000_000:
        return f"{value / 1e6:.2f} million"
    return f"{round(value):,}"


def rounded_up(number: int) -> int:
    """To two leading digits: more would look surer than a rough guide is."""
    unit = 10 ** max(0, len(str(number)) - 2)
    return -(-number // unit) * unit


def duration(seconds: float | None) -> str:
    """Seconds in the unit a person would use."""
    if seconds is None:
        return MISSING
    if seconds < 0.9995:
        return f"{seconds * 1000:.{0 if seconds >= 0.00995 else 1}f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def minutes(value: float | None) -> str:
    return duration(None if value is None else value * 60)


def byte_size(value: int | None) -> str:
    """Bytes in decimal units, as disks and clouds count them."""
    if value is None:
        return MISSING
    size = float(value)
    for unit, decimals in (("bytes", 0), ("kB", 0), ("MB", 1), ("GB", 1)):
        if size < 999.5:
            return f"{size:.{decimals if size < 99.95 else 0}f}{JOINT}{unit}"
        size /= 1000
    return f"{size:.1f}{JOINT}TB"


def nats(value: float) -> str:
    """A loss, or a difference of losses."""
    return _with_minus(f"{value:.3f}")


def interval(mean: float, low: float, high: float) -> str:
    """A loss with its bounds."""
    return f"{nats(mean)} ({nats(low)} to {nats(high)})"


def operations(value: float | None) -> str:
    """Floating-point operations, in the unit that people compare machines in."""
    if value is None:
        return MISSING
    for unit, size in (("peta", 1e15), ("tera", 1e12), ("giga", 1e9)):
        if value >= size:
            return f"{value / size:,.3g}{JOINT}{unit}"
    return count(value)


def energy(watt_hours: float | None) -> str:
    if watt_hours is None:
        return MISSING
    return f"{watt_hours / 1000:.3g}{JOINT}kWh" if watt_hours >= 1000 else f"{watt_hours:.3g}{JOINT}Wh"


def money(value: float | None, currency: str) -> str:
    """Cents matter for a request and not for a cluster; no currency is invented."""
    if value is None:
        return MISSING
    figure = f"{value:,.2f}" if value >= 1 or value == 0 else f"{value:.2g}" if value >= 1e-4 else f"{value:.6f}"
    return f"{figure}{JOINT}{currency}".rstrip()


def share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else MISSING


def metric_title(name: str) -> str:
    """`field_match` as a person reads it: field match."""
    return " ".join(_CAPITALS.get(word, word) for word in name.split("_"))


def capitalized(text: str) -> str:
    """With a capital at the start, and the others as they are."""
    return text[:1].upper() + text[1:]


def label(key: str) -> str:
    """A key of a free dictionary as a person reads it."""
    return metric_title(key) if re.fullmatch(r"[a-z0-9_]+", key) else key


def value_text(value: object) -> str:
    """One value of a free dictionary."""
    match value:
        case None:
            return MISSING
        case bool():
            return "yes" if value else "no"
        case int():
            return _with_minus(f"{value:,}")
        case float():
            return _with_minus(f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}")
    return str(value)


def visible(text: str) -> str:
    """Control characters as their pictures, so that what a model really wrote can be seen."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", lambda found: _picture(found[0]), text.replace("\r\n", "\n"))


def _with_minus(figure: str) -> str:
    return re.sub("^-", MINUS, figure)


def _picture(character: str) -> str:
    return "\u2421" if character == "\x7f" else chr(0x2400 + ord(character))
