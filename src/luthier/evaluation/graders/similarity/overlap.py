"""BLEU, Google BLEU, ROUGE and chrF of one answer against one reference, from 0 to 1."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from luthier.evaluation.graders.similarity.words import ngrams, words_13a, words_rouge

BLEU_ORDER = 4
CHRF_ORDER, CHRF_BETA = 6, 2


def bleu(answer: str, reference: str) -> float:
    """Papineni et al. 2002, as sacrebleu's `sentence_bleu`: words of 13a, up to four in a row, fewer in short answers.

    Where no run of some length is shared, a half, a quarter, ... of one is counted (exponential smoothing).
    """
    given, wanted = words_13a(answer), words_13a(reference)
    matches = [((ngrams(given, n) & ngrams(wanted, n)).total(), len(given) - n + 1) for n in range(1, BLEU_ORDER + 1)]
    if not any(found for found, _ in matches):
        return 0.0
    logs, half = [], 1.0
    for found, total in matches:
        if total < 1:
            break
        if found == 0:
            half *= 2
        logs.append(math.log(found / total if found else 1 / (half * total)))
    brevity = min(0.0, 1 - len(wanted) / len(given))
    return math.exp(brevity + sum(logs) / len(logs))


def gleu(answer: str, reference: str) -> float:
    """Wu et al. 2016, as NLTK's `sentence_gleu` on words of 13a: the smaller of precision and recall."""
    given, wanted = (
        Counter({gram: count for n in range(1, BLEU_ORDER + 1) for gram, count in ngrams(words, n).items()})
        for words in (words_13a(answer), words_13a(reference))
    )
    longer = max(given.total(), wanted.total())
    return (given & wanted).total() / longer if longer else 0.0


def rouge_n(answer: str, reference: str, length: int) -> float:
    """Lin 2004: F-measure of ``length`` words in a row, as rouge-score without stemming."""
    given, wanted = ngrams(words_rouge(answer), length), ngrams(words_rouge(reference), length)
    shared = (given & wanted).total()
    return _f_measure(shared / max(given.total(), 1), shared / max(wanted.total(), 1))


def rouge_l(answer: str, reference: str) -> float:
    """Lin 2004: F-measure of the longest common subsequence of words, as rouge-score without stemming."""
    given, wanted = words_rouge(answer), words_rouge(reference)
    if not given or not wanted:
        return 0.0
    shared = _common_length(given, wanted)
    return _f_measure(shared / len(given), shared / len(wanted))


def chrf(answer: str, reference: str) -> float:
    """Popović 2015, as sacrebleu's `sentence_chrf` (chrF2): 1 to 6 letters in a row, blanks ignored, recall twice."""
    given, wanted = "".join(answer.split()), "".join(reference.split())
    precisions, recalls = [], []
    for length in range(1, CHRF_ORDER + 1):
        a, b = (Counter(text[i : i + length] for i in range(len(text) - length + 1)) for text in (given, wanted))
        if a and b:
            shared = (a & b).total()
            precisions.append(shared / a.total())
            recalls.append(shared / b.total())
    if not precisions:
        return 0.0
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    factor = CHRF_BETA**2
    weighted = factor * precision + recall
    return (1 + factor) * precision * recall / weighted if weighted else 0.0


def _f_measure(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence; two rows of the table at a time."""
    above = [0] * (len(second) + 1)
    for word in first:
        row = [0]
        for column, other in enumerate(second):
            row.append(above[column] + 1 if word == other else max(above[column + 1], row[-1]))
        above = row
    return above[-1]
