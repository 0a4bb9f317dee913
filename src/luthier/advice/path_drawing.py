"""The path of questions as SVG text, for the report: boxes from top to bottom, the answer at the end."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from xml.sax.saxutils import escape

from luthier.advice.findings import WORDS, Advice

# Sizes in SVG user units; a letter of the system font is a little over half its size wide.
WIDTH = 640
MARGIN = 12
LINE_HEIGHT = 18
GAP = 26
FONT_SIZE = 13
LETTERS_PER_LINE = 84
_CONTROL = dict.fromkeys((*range(32), 127), " ")


@dataclass(frozen=True)
class _Box:
    title: str
    lines: tuple[str, ...]
    arrow: str
    is_answer: bool = False

    @property
    def height(self) -> int:
        return MARGIN * 2 + LINE_HEIGHT * (1 + len(self.lines)) - 6


def draw_path_svg(advice: Advice) -> str:
    """A whole `<svg>` element; colours follow the page (`currentColor`), text is escaped, nothing is loaded."""
    boxes = [_Box(step.question, _lines(step.found), step.went) for step in advice.path]
    boxes.append(_Box(WORDS[advice.answer], _lines(advice.sentence), "", is_answer=True))
    parts, top = [], 1
    for box in boxes:
        parts.append(_box(box, top))
        top += box.height
        if box is not boxes[-1]:
            parts.append(_arrow(box.arrow, top))
            top += GAP
    height = top + 1
    title = _text(f"How the advice was reached: {WORDS[advice.answer]}")
    path = _text("; ".join(f"{step.question} {step.found}: {step.went}" for step in advice.path))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" role="img" '
        f'style="max-width:{WIDTH}px" font-family="system-ui, sans-serif" font-size="{FONT_SIZE}">'
        f"<title>{title}</title><desc>{path}</desc>{''.join(parts)}</svg>"
    )


def _box(box: _Box, top: int) -> str:
    fill = ' fill="currentColor" fill-opacity="0.1"' if box.is_answer else ' fill="none"'
    stroke = 2 if box.is_answer else 1
    frame = (
        f'<rect x="1" y="{top}" width="{WIDTH - 2}" height="{box.height}" rx="8"{fill} '
        f'stroke="currentColor" stroke-width="{stroke}"/>'
    )
    first = top + MARGIN + FONT_SIZE - 2
    words = [f'<text x="{MARGIN + 4}" y="{first}" font-weight="600" fill="currentColor">{_text(box.title)}</text>']
    words += [
        f'<text x="{MARGIN + 4}" y="{first + LINE_HEIGHT * number}" fill="currentColor">{_text(line)}</text>'
        for number, line in enumerate(box.lines, 1)
    ]
    return frame + "".join(words)


def _arrow(label: str, top: int) -> str:
    x, end = MARGIN + 16, top + GAP
    return (
        f'<path d="M{x} {top}V{end - 2}M{x - 4} {end - 7}L{x} {end - 1}L{x + 4} {end - 7}" fill="none" '
        f'stroke="currentColor"/><text x="{x + 12}" y="{top + 17}" fill="currentColor" fill-opacity="0.75" '
        f'font-style="italic">{_text(label)}</text>'
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(textwrap.wrap(text, LETTERS_PER_LINE)) or ("",)


def _text(text: str) -> str:
    return escape(text.translate(_CONTROL))
