"""Recall@k of an arm that looks things up, against the best that is known about which passage was the right one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from luthier.evaluation.solvers import Arm
from luthier.examples import Example
from luthier.retrieval import Passage, from_document, holding, recall_at
from luthier.retrieval.recall import IsRight

JudgedBy = Literal["document", "answer in passage", "same answer"]


@dataclass(frozen=True)
class RetrievalQuality:
    """Shares of ``n`` items with a right passage among the first k looked up, and among those ``shown`` in the prompt.

    ``judged_by``: the document that the golden file names; else a passage that holds the reference answer word for
    word, which a short answer may do by chance; for training rows one with the same answer.
    """

    k: int
    recall_at_k: float
    recall_at_1: float
    recall_shown: float
    n: int
    judged_by: JudgedBy
    looked_up_in: Literal["documents", "training rows"]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def retrieval_quality(
    arm: Arm, golden: Sequence[Example], train: Sequence[Example], documents: Sequence[str | None] | None
) -> RetrievalQuality | None:
    """``documents`` names the right document per item; None for rows. None when nothing was looked up or is known."""
    if not arm.found:
        return None
    is_rows = arm.solver.endswith("training rows")
    judged_by: JudgedBy = "answer in passage"
    if is_rows:
        judged_by, right = "same answer", [_same_answer(item, train) for item in golden]
    elif documents is not None and any(documents):
        judged_by, right = "document", [from_document(name) if name else None for name in documents]
    else:
        right = [holding(item.answer.content) for item in golden]
    n = sum(one is not None for one in right)
    if n == 0:
        return None
    k = max(map(len, arm.found))
    shown = [passages[:count] for passages, count in zip(arm.found, arm.shown, strict=True)]
    return RetrievalQuality(
        k=k,
        recall_at_k=sum(recall_at(arm.found, right, k)) / n,
        recall_at_1=sum(recall_at(arm.found, right, 1)) / n,
        recall_shown=sum(recall_at(shown, right, k)) / n,
        n=n,
        judged_by=judged_by,
        looked_up_in="training rows" if is_rows else "documents",
    )


def _same_answer(item: Example, train: Sequence[Example]) -> IsRight:
    wanted = item.answer.content.strip()

    def is_right(passage: Passage) -> bool:
        return train[int(passage.chunk.document)].answer.content.strip() == wanted

    return is_right
