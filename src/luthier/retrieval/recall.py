"""How good the looking-up is, apart from what is made of it: recall@k against passages or documents known as right."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from luthier.retrieval.retriever import Passage
from luthier.retrieval.words import one_by_one

IsRight = Callable[[Passage], bool]


def recall_at(found: Sequence[Sequence[Passage]], is_right: Sequence[IsRight | None], k: int) -> tuple[float, ...]:
    """Per question 1 if one of its first ``k`` passages is right, else 0; questions with None are left out."""
    return tuple(
        float(any(right(passage) for passage in passages[:k]))
        for passages, right in zip(found, is_right, strict=True)
        if right is not None
    )


def from_document(name: str) -> IsRight:
    """Right is what comes from this document; its name may be given without the folder and the ending."""
    wanted = name.strip()

    def is_right(passage: Passage) -> bool:
        document = passage.chunk.document
        short = document.rsplit("/", 1)[-1]
        return wanted in (document, short, document.rpartition(".")[0], short.rpartition(".")[0])

    return is_right


def holding(answer: str) -> IsRight | None:
    """Right is what holds this answer word for word; None for an answer without letters and digits.

    Weaker than knowing the document: a short answer also stands in passages that do not answer the question.
    """
    wanted = _plain(answer)
    if not wanted:
        return None
    return lambda passage: f" {wanted} " in f" {_plain(passage.chunk.text)} "


def _plain(text: str) -> str:
    normal = one_by_one(unicodedata.normalize("NFKC", text).casefold())
    letters = (c if c.isalnum() or unicodedata.combining(c) else " " for c in normal)
    return " ".join("".join(letters).split())
