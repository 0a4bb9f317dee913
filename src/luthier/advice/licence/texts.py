"""Which licence a text is: known by a few sentences of its own, so that no licence has to be shipped in full."""

from __future__ import annotations

import re
from dataclasses import dataclass

from luthier.advice.licence.rules import LicenceRule, Rules

# So many of a licence's sentences must be found; the rest may have been lost in a conversion.
NEEDED_SHARE = 0.66
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-"})


@dataclass(frozen=True)
class RecognisedText:
    """``has_additions``: the text is so much longer than usual that something was added to it."""

    rule: LicenceRule
    share: float
    has_additions: bool


def recognise(text: str, rules: Rules) -> RecognisedText | None:
    """The licence whose sentences are found most completely; between equals the one with more sentences."""
    words = normalised(text)
    found = [(_share(words, rule), len(rule.phrases), rule) for rule in rules.licences if rule.phrases]
    fitting = [item for item in found if item[0] >= NEEDED_SHARE]
    if not fitting:
        return None
    share, _, rule = max(fitting, key=lambda item: item[:2])
    count = words.count(" ") + 1
    return RecognisedText(rule, share, rule.words is not None and count > rule.words)


def normalised(text: str) -> str:
    """Small letters and single spaces, without punctuation, markup and line breaks."""
    return " ".join(re.findall(r"[^\W_]+", text.translate(_APOSTROPHES).lower()))


def _share(words: str, rule: LicenceRule) -> float:
    if any(normalised(phrase) in words for phrase in rule.absent):
        return 0.0
    return sum(normalised(phrase) in words for phrase in rule.phrases) / len(rule.phrases)
