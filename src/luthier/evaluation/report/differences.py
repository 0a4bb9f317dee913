"""Where an answer departs from the reference, word by word."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
# The comparison is quadratic; past this an answer is shown without marks.
_MOST_WORDS = 600
# Below this likeness nearly every word would be marked, which shows nothing.
_LEAST_LIKENESS = 0.3


@dataclass(frozen=True)
class Piece:
    """A stretch of an answer, and whether the reference has something else in its place."""

    text: str
    differs: bool = False


def mark_differences(answer: str, reference: str) -> tuple[Piece, ...]:
    """The answer in pieces; joined they are the answer again."""
    words, expected = _WORDS.findall(answer), _WORDS.findall(reference)
    if answer == reference or max(len(words), len(expected)) > _MOST_WORDS:
        return (Piece(answer),)
    matcher = difflib.SequenceMatcher(None, expected, words, autojunk=False)
    if _likeness(matcher, expected, words) < _LEAST_LIKENESS:
        return (Piece(answer),)
    pieces = [
        Piece("".join(words[start:end]), differs=kind != "equal")
        for kind, _, _, start, end in matcher.get_opcodes()
        if end > start
    ]
    return tuple(_join_across_spaces(pieces))


def _likeness(matcher: difflib.SequenceMatcher[str], expected: list[str], words: list[str]) -> float:
    """Share of words that both have; blanks are in every text and say nothing."""
    same = sum(
        not word.isspace()
        for _, start, length in matcher.get_matching_blocks()
        for word in words[start : start + length]
    )
    return 2 * same / max(1, sum(not word.isspace() for word in (*expected, *words)))


def _join_across_spaces(pieces: list[Piece]) -> list[Piece]:
    """Marks that only a blank holds apart become one, which reads more calmly."""
    joined: list[Piece] = []
    for index, piece in enumerate(pieces):
        is_gap = piece.text.isspace() and 0 < index < len(pieces) - 1
        differs = piece.differs or (is_gap and pieces[index - 1].differs and pieces[index + 1].differs)
        if joined and joined[-1].differs == differs:
            joined[-1] = Piece(joined[-1].text + piece.text, differs)
        else:
            joined.append(Piece(piece.text, differs))
    return joined
