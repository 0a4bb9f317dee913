"""Where sentences end, in scripts with and without spaces: by punctuation, with care for abbreviations."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A full stop ends a sentence where a space and a beginning follow; the marks of East Asia need no space behind them.
_END = re.compile(r"""[.!?…؟۔।]+["'”’»)\]]*(?=\s)|[。！？]+["'”’」』）]*""")
_WORD = re.compile(r"\S+")
_ABBREVIATIONS = frozenset(
    _WORD.findall("mr mrs ms dr prof st sr jr vs etc e.g i.e cf al p.m a.m u.s bzw ca z.b d.h usw p.ej")
)
# Words in their own right as well, unless a number follows.
_BEFORE_NUMBERS = frozenset(_WORD.findall("no nos nr núm art sog fig figs abb vol vols p pp pág dept approx"))
Span = tuple[int, int]


def sentence_spans(text: str, start: int, end: int) -> Iterator[Span]:
    """Begin and end of each sentence of ``text[start:end]``, outer space left out; together they hold all the rest."""
    begin = start
    for match in _END.finditer(text, start, end):
        if _is_end(text, begin, match.start(), match.end(), end):
            yield from _trimmed(text, begin, match.end())
            begin = match.end()
    yield from _trimmed(text, begin, end)


def _is_end(text: str, begin: int, mark: int, after: int, end: int) -> bool:
    if text[mark] != ".":
        return True
    word = text[begin:mark].rsplit(None, 1)[-1:] or [""]
    bare = word[0].lstrip("(\"'“‘«[").lower()
    following = text[after:end].lstrip()[:1]
    if bare in _ABBREVIATIONS or (len(bare) == 1 and bare.isalpha()):
        return False
    return not (following.islower() or (bare in _BEFORE_NUMBERS and following.isdigit()))


def _trimmed(text: str, begin: int, end: int) -> Iterator[Span]:
    while begin < end and text[begin].isspace():
        begin += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    if begin < end:
        yield begin, end
