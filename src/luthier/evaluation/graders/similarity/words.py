"""Texts cut into words as the reference implementations of the similarity metrics cut them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

Unit = TypeVar("Unit")

_SIGNS = re.compile(r"([{-~\[-` -&(-+:-@/])")
_STOP_AFTER_NO_DIGIT = re.compile(r"([^0-9])([.,])")
_STOP_BEFORE_NO_DIGIT = re.compile(r"([.,])([^0-9])")
_DASH_AFTER_DIGIT = re.compile(r"([0-9])(-)")
_ENTITIES = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">"}
_NO_ROUGE_LETTER = re.compile(r"[^a-z0-9]+")


def words_13a(text: str) -> list[str]:
    """The words of BLEU: mteval-v13a, the rule of WMT and of sacrebleu; punctuation stands alone, case is kept."""
    line = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, letter in _ENTITIES.items():
        line = line.replace(entity, letter)
    line = _SIGNS.sub(r" \1 ", f" {line} ")
    line = _STOP_AFTER_NO_DIGIT.sub(r"\1 \2 ", line)
    line = _STOP_BEFORE_NO_DIGIT.sub(r" \1 \2", line)
    return _DASH_AFTER_DIGIT.sub(r"\1 \2 ", line).split()


def words_rouge(text: str) -> list[str]:
    """The words of rouge-score without stemming: small a to z and digits; all else, even ü and 你, parts words."""
    return _NO_ROUGE_LETTER.sub(" ", text.lower()).split()


def ngrams(units: Sequence[Unit], length: int) -> Counter[tuple[Unit, ...]]:
    return Counter(tuple(units[start : start + length]) for start in range(len(units) - length + 1))
