"""Porter's stemmer of 1980 with the amendments of NLTK, whose METEOR compares stems.

Source: M. Porter, "An algorithm for suffix stripping", Program 14(3). m is the number of vowel-consonant sequences.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

_IRREGULAR: Mapping[str, str] = {
    "sky": "sky",
    "skies": "sky",
    "dying": "die",
    "lying": "lie",
    "tying": "tie",
    "news": "news",
    "innings": "inning",
    "inning": "inning",
    "outings": "outing",
    "outing": "outing",
    "cannings": "canning",
    "canning": "canning",
    "howe": "howe",
    "proceed": "proceed",
    "exceed": "exceed",
    "succeed": "succeed",
}
# Steps 2 and 3, where m > 0; the first ending that fits decides.
_STEP_2 = (
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("fulli", "ful"),
)
_STEP_3 = (
    ("icate", "ic"),
    ("ative", ""),
    ("alize", "al"),
    ("iciti", "ic"),
    ("ical", "ic"),
    ("ful", ""),
    ("ness", ""),
)
# Step 4, where m > 1; "ion" only after s or t.
_STEP_4 = (
    *("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou"),
    *("ism", "ate", "iti", "ous", "ive", "ize"),
)


def stem(word: str) -> str:
    lowered = word.lower()
    if lowered in _IRREGULAR:
        return _IRREGULAR[lowered]
    if len(word) <= 2:
        return lowered
    found = _without_past(_without_plural(lowered))
    if found.endswith("y") and len(found) > 2 and _consonants(found)[-2]:
        found = found[:-1] + "i"
    found = _derived(found)
    found = _replaced(found, _STEP_3)
    for ending in _STEP_4:
        if found.endswith(ending):
            rest = found.removesuffix(ending)
            if _measure(rest) > 1 and (ending != "ion" or rest[-1] in "st"):
                found = rest
            break
    return _tidied(found)


def _consonants(text: str) -> list[bool]:
    """y is a consonant unless it follows one."""
    flags: list[bool] = []
    for letter in text:
        flags.append(letter not in "aeiou" and (letter != "y" or not flags or not flags[-1]))
    return flags


def _measure(text: str) -> int:
    flags = _consonants(text)
    return sum(not before and after for before, after in itertools.pairwise(flags))


def _ends_short(text: str) -> bool:
    """Consonant, vowel, consonant but w, x, y; or, as NLTK has it, two letters: vowel and consonant."""
    flags = _consonants(text)
    return (flags[-3:] == [True, False, True] and text[-1] not in "wxy") or flags == [False, True]


def _without_plural(word: str) -> str:
    if word.endswith("ies"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("sses"):
        return word[:-2]
    return word if word.endswith("ss") or not word.endswith("s") else word[:-1]


def _without_past(word: str) -> str:
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for ending in ("ed", "ing"):
        rest = word.removesuffix(ending)
        if rest != word and not all(_consonants(rest)):
            return _mended(rest)
    return word


def _mended(word: str) -> str:
    """What "ed" and "ing" leave behind, made a word again."""
    if word.endswith(("at", "bl", "iz")):
        return word + "e"
    if len(word) >= 2 and word[-1] == word[-2] and _consonants(word)[-1]:
        return word if word[-1] in "lsz" else word[:-1]
    return word + "e" if _measure(word) == 1 and _ends_short(word) else word


def _derived(word: str) -> str:
    while word.endswith("alli") and _measure(word[:-4]) > 0:
        word = word[:-2]
    found = _replaced(word, _STEP_2)
    # NLTK measures "logi" with its l, and only where no other ending fits.
    if found == word and word.endswith("logi") and _measure(word[:-3]) > 0:
        return word[:-1]
    return found


def _replaced(word: str, rules: Sequence[tuple[str, str]]) -> str:
    for ending, replacement in rules:
        if word.endswith(ending):
            rest = word.removesuffix(ending)
            return rest + replacement if _measure(rest) > 0 else word
    return word


def _tidied(word: str) -> str:
    if word.endswith("e"):
        rest = word[:-1]
        measure = _measure(rest)
        if measure > 1 or (measure == 1 and not _ends_short(rest)):
            word = rest
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word
