"""Advice for a terminal: the answer, why, the path of questions, and what would change it."""

from __future__ import annotations

import textwrap

from luthier.advice.findings import WORDS, Advice

WIDTH = 96


def draw_advice(advice: Advice, width: int = WIDTH) -> str:
    """Plain text, ``width`` columns at most."""
    parts = [
        _wrapped(f"{WORDS[advice.answer]}.", "", width),
        _wrapped(advice.sentence, "", width),
        "",
        f"Why ({'measured' if advice.basis == 'measured' else 'assumed: nothing was measured yet'}):",
        *(_wrapped(f"{number}. {reason.sentence}", "   ", width) for number, reason in enumerate(advice.reasons, 1)),
        "",
        "The path:",
        *draw_path(advice, width),
    ]
    if advice.would_change:
        parts += ["", "What would change it:", *(_wrapped(f"- {item}", "  ", width) for item in advice.would_change)]
    return "\n".join(parts)


def draw_path(advice: Advice, width: int = WIDTH) -> list[str]:
    """One question below the other, each with what was found and where that led."""
    lines = []
    for step in advice.path:
        lines.append(_wrapped(f"o {step.question}", "|   ", width))
        lines.append(_wrapped(f"|   {step.found}", "|   ", width))
        lines.append(_wrapped(f"|-> {step.went}", "|   ", width))
    return [*lines, _wrapped(f"* {WORDS[advice.answer]}", "  ", width)]


def _wrapped(text: str, indent: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width, subsequent_indent=indent)) or ""
