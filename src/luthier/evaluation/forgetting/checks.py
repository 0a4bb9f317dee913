"""What an answer must be to count as right: a closed union of exact checks, none of which asks a model."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, assert_never

from luthier.evaluation.json_answers import is_same_json, parse_object

_NUMBER = re.compile(r"[-\u2212]?\d+(?:\.\d+)?")
_OUTER = " \t\r\n\"'`*.,;:!?。．！？「」«»“”„‘’،؟।"


@dataclass(frozen=True)
class Equals:
    """The whole answer is one of ``texts``; outer space, quotes and final punctuation do not count."""

    texts: tuple[str, ...]
    ignores_case: bool = False


@dataclass(frozen=True)
class Verbatim:
    """The whole answer is ``text``, but for outer space."""

    text: str


@dataclass(frozen=True)
class Number:
    """The last number in the answer is ``value``; commas between thousands do not count."""

    value: float


@dataclass(frozen=True)
class Contains:
    """Every one of ``texts`` occurs."""

    texts: tuple[str, ...]
    ignores_case: bool = False


@dataclass(frozen=True)
class Matches:
    """The pattern is found; anchor it with \\A and \\Z to speak of the whole answer."""

    pattern: str


@dataclass(frozen=True)
class JsonEquals:
    """The whole answer is this JSON object."""

    value: dict[str, Any]


@dataclass(frozen=True)
class Words:
    """The answer has so many words, parted by spaces."""

    least: int
    most: int


@dataclass(frozen=True)
class Without:
    """None of ``texts`` occurs, in small or capital letters, and the answer is not empty."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class AllOf:
    checks: tuple[Check, ...]


Check = Equals | Verbatim | Number | Contains | Matches | JsonEquals | Words | Without | AllOf


def passes(check: Check, answer: str) -> bool:
    """Whether ``answer`` is right; letters are compared in their composed form (NFC)."""
    text = unicodedata.normalize("NFC", answer).strip()
    match check:
        case Equals(texts, ignores_case):
            return _bare(text, ignores_case) in {_bare(wanted, ignores_case) for wanted in texts}
        case Verbatim(wanted):
            return text == unicodedata.normalize("NFC", wanted).strip()
        case Number(value):
            found = _NUMBER.findall(re.sub(r"(?<=\d),(?=\d{3})", "", text))
            return bool(found) and float(found[-1].replace("\u2212", "-")) == value
        case Contains(texts, ignores_case):
            inside = _folded(text, ignores_case)
            return all(_folded(wanted, ignores_case) in inside for wanted in texts)
        case Matches(pattern):
            return re.search(pattern, text) is not None
        case JsonEquals(value):
            return is_same_json(parse_object(text), value)
        case Words(least, most):
            return least <= len(text.split()) <= most
        case Without(texts):
            return bool(text) and not any(unwanted.casefold() in text.casefold() for unwanted in texts)
        case AllOf(checks):
            return all(passes(part, answer) for part in checks)
        case _:
            assert_never(check)


def _bare(text: str, ignores_case: bool) -> str:
    return _folded(text, ignores_case).strip(_OUTER)


def _folded(text: str, ignores_case: bool) -> str:
    composed = unicodedata.normalize("NFC", text)
    return composed.casefold() if ignores_case else composed
