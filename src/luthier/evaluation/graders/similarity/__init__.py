"""How alike two texts are, from 0 to 1, by the metrics that OpenAI's text_similarity grader names, and chrF.

Each equals its reference implementation, which the tests compare with: rapidfuzz, sacrebleu, NLTK, rouge-score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, assert_never

from rapidfuzz import fuzz

from luthier.evaluation.graders.similarity.meteor import meteor
from luthier.evaluation.graders.similarity.overlap import bleu, chrf, gleu, rouge_l, rouge_n

__all__ = ["SimilarityName", "cosine", "similarity"]

SimilarityName = Literal[
    "fuzzy_match",
    "bleu",
    "gleu",
    "meteor",
    "rouge_1",
    "rouge_2",
    "rouge_3",
    "rouge_4",
    "rouge_5",
    "rouge_l",
    "chrf",
]


def similarity(metric: SimilarityName, answer: str, reference: str) -> float:
    match metric:
        case "fuzzy_match":
            return fuzz.ratio(answer, reference) / 100
        case "bleu":
            return bleu(answer, reference)
        case "gleu":
            return gleu(answer, reference)
        case "meteor":
            return meteor(answer, reference)
        case "rouge_l":
            return rouge_l(answer, reference)
        case "rouge_1" | "rouge_2" | "rouge_3" | "rouge_4" | "rouge_5":
            return rouge_n(answer, reference, int(metric.removeprefix("rouge_")))
        case "chrf":
            return chrf(answer, reference)
        case _:
            assert_never(metric)


def cosine(first: Sequence[float], second: Sequence[float]) -> float:
    """Of two embeddings; a negative one is 0, as a grade has no room below."""
    lengths = math.hypot(*first) * math.hypot(*second)
    product = sum(a * b for a, b in zip(first, second, strict=True))
    return min(1.0, max(0.0, product / lengths)) if lengths else 0.0
