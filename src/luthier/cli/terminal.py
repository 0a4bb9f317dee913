"""What may be written to a terminal: colour where it is wanted, and no control characters from data or models."""

from __future__ import annotations

import os
import re
from typing import IO

import click

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def allows_color(stream: IO[str]) -> bool:
    """Colour on a terminal, unless the user set NO_COLOR (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str, color: bool, fg: str | None = None, bold: bool | None = None, dim: bool | None = None) -> str:
    return click.style(text, fg=fg, bold=bold, dim=dim) if color else text


def safe(text: str) -> str:
    """Text without characters that would move the cursor or recolour the screen; line breaks and tabs stay."""
    return _CONTROL.sub("\ufffd", text)
