"""The result of a probe in words: the curve in letters, a table of forecasts, and the sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

HEADING = ("training rows", "score [95 %]", "gain [95 %]", "minutes")
NAMES = {"full": "all", "double": "twice", "fivefold": "five times"}


def probe_text(result: Mapping[str, Any], folder: Path) -> str:
    """``result``: what `probe.json` holds."""
    rows = [HEADING, *(_row(NAMES[name], each) for name, each in result["forecast"].items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADING) - 1)]
    table = ["  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]) for row in rows]
    seeds = len({point["seed"] for point in result["points"]})
    told = f"{result['metric']} of {len(result['points'])} trainings ({seeds} seeds), o; what is forecast, |"
    return "\n".join([told, result["drawing"], "", *table, "", result["sentence"], f"drawn in {folder / 'curve.svg'}"])


def _row(name: str, found: Mapping[str, Any]) -> tuple[str, str, str, str]:
    score = found["score"]
    measured = f"{100 * score['mean']:.1f} [{100 * score['low']:.1f}, {100 * score['high']:.1f}]"
    gain = f"{100 * found['gain']:+.1f} [{100 * found['low']:+.1f}, {100 * found['high']:+.1f}]"
    minutes = "–" if found["minutes"] is None else f"{found['minutes']:.1f}"
    return f"{name}, {found['rows']:,}", measured, "–" if name == "all" else gain, minutes
