"""Recall beside an arm's score, judged by the best that is known."""

from luthier.evaluation import Arm, retrieval_quality
from luthier.examples import Example, Message
from luthier.retrieval import Chunk, Passage


def passages(*named: tuple[str, str]) -> tuple[Passage, ...]:
    return tuple(Passage(Chunk(name, "", text, 0, len(text)), rank) for rank, (name, text) in enumerate(named, 1))


def row(answer: str) -> Example:
    return Example((Message("user", "?"), Message("assistant", answer)))


GOLDEN = [row("blue"), row("red")]
FOUND = (passages(("a", "It is grey."), ("b", "It is blue.")), passages(("c", "It is green."), ("d", "It is red.")))
ARM = Arm("rag", (), solver="2 passages of documents", found=FOUND, shown=(2, 1))


def test_a_document_that_is_known_judges():
    quality = retrieval_quality(ARM, GOLDEN, [], ["a", "x"])
    assert quality is not None and quality.judged_by == "document"
    assert (quality.recall_at_k, quality.recall_at_1, quality.k, quality.n) == (0.5, 0.5, 2, 2)


def test_else_the_answer_in_the_passage_judges_and_what_was_shown_is_told_apart():
    quality = retrieval_quality(ARM, GOLDEN, [], None)
    assert quality is not None and quality.judged_by == "answer in passage"
    assert (quality.recall_at_k, quality.recall_at_1, quality.recall_shown) == (1.0, 0.0, 0.5)


def test_training_rows_are_right_when_they_have_the_same_answer():
    arm = Arm(
        "rag", (), solver="1 nearest training rows", found=(passages(("0", "")), passages(("0", ""))), shown=(1, 1)
    )
    quality = retrieval_quality(arm, GOLDEN, [row("red")], None)
    assert quality is not None and (quality.recall_at_k, quality.looked_up_in) == (0.5, "training rows")


def test_an_arm_that_looks_nothing_up_has_no_recall():
    assert retrieval_quality(Arm("base", ()), GOLDEN, [], None) is None
