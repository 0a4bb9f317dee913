"""Text as the index reads it: scripts that write no spaces are cut into pairs of characters first."""

from __future__ import annotations

import re

# Han, kana, Thai, Lao, Khmer, Myanmar, Tibetan: SQLite's tokenizer would take a whole sentence for one word.
_UNSPACED = re.compile(
    "[\u0e00-\u0e7f\u0e80-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_WORD = re.compile(r"\w+")
MOST_QUERY_WORDS = 256


def searchable(text: str) -> str:
    """The same text with overlapping pairs of characters where words are not spaced."""
    return _UNSPACED.sub(lambda match: f" {_pairs(match[0])} ", text)


def one_by_one(text: str) -> str:
    """The same text with a space around every character of scripts that write none."""
    return _UNSPACED.sub(lambda match: f" {' '.join(match[0])} ", text)


def query_words(text: str) -> list[str]:
    """The different words of a question, in order; the first of very many."""
    return list(dict.fromkeys(word.lower() for word in _WORD.findall(searchable(text))))[:MOST_QUERY_WORDS]


def _pairs(run: str) -> str:
    return run if len(run) < 3 else " ".join(run[i : i + 2] for i in range(len(run) - 1))
