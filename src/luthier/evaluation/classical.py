"""The baseline a user should know before tuning for labels: TF-IDF n-grams and logistic regression.

Word 1- and 2-grams, character 3- to 5-grams within words. It sees the text of the conversation only, never a model.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luthier.evaluation.answers import Answer
from luthier.evaluation.compare import ArmResult, score_arm
from luthier.examples import Example
from luthier.recipe import MetricName

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

NAME = "tf-idf"
INVERSE_REGULARIZATION = 10.0
# Rare character n-grams are most of the vocabulary of a large set and little of its use.
ROWS_FOR_PRUNING = 1_000


@dataclass(frozen=True)
class ClassicalBaseline:
    """Its answers to the golden items, scored like an arm; ``seconds`` to fit and to answer."""

    arm: ArmResult
    training_seconds: float
    answering_seconds: float

    @property
    def seconds(self) -> float:
        return self.training_seconds + self.answering_seconds


def classical_baseline(
    train: Sequence[Example],
    golden: Sequence[Example],
    metrics: Sequence[MetricName],
    choices: Sequence[str] = (),
    seed: int = 0,
) -> ClassicalBaseline:
    """Fit on the training rows and answer the golden ones."""
    texts, labels = [_text(example) for example in train], [example.answer.content.strip() for example in train]
    started = time.perf_counter()
    predict = _fit(texts, labels, seed)
    fitted = time.perf_counter()
    answers = [Answer(text) for text in predict([_text(example) for example in golden])]
    answered = time.perf_counter()
    scored = score_arm(NAME, answers, golden, metrics, choices)
    return ClassicalBaseline(scored, fitted - started, answered - fitted)


@dataclass(frozen=True)
class _Classifier:
    pipeline: Pipeline

    def __call__(self, texts: Sequence[str]) -> list[str]:
        return [str(label) for label in self.pipeline.predict(texts)]


@dataclass(frozen=True)
class _Constant:
    """What is left where nothing can be learnt from the inputs: the most frequent label of the training rows."""

    label: str

    def __call__(self, texts: Sequence[str]) -> list[str]:
        return [self.label for _ in texts]


def _fit(texts: Sequence[str], labels: Sequence[str], seed: int) -> _Classifier | _Constant:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    # Logistic regression refuses to learn a single label, and n-grams cannot be taken from inputs without words.
    if len(set(labels)) == 1 or not any(re.search(r"\w", text) for text in texts):
        return _Constant(Counter(labels).most_common(1)[0][0])
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+", sublinear_tf=True)
    rarest = 2 if len(texts) >= ROWS_FOR_PRUNING else 1
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=rarest, sublinear_tf=True)
    regression = LogisticRegression(C=INVERSE_REGULARIZATION, max_iter=1_000, random_state=seed)
    pipeline = make_pipeline(make_union(words, characters), regression)
    return _Classifier(pipeline.fit(texts, labels))


def _text(example: Example) -> str:
    """All turns before the answer except the system's, which rarely tells two rows apart."""
    return "\n".join(turn.content for turn in example.prompt if turn.role not in ("system", "developer"))
