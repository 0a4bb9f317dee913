"""Sentences end where a reader would end them."""

import pytest

from luthier.retrieval.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[begin:end] for begin, end in sentence_spans(text, 0, len(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("See Dr. Hall, e.g. at 5 p.m. today. Then go.", ["See Dr. Hall, e.g. at 5 p.m. today.", "Then go."]),
        ("J. S. Bach wrote it. Really.", ["J. S. Bach wrote it.", "Really."]),
        ('It costs 3.50. He said "No." She left.', ["It costs 3.50.", 'He said "No."', "She left."]),
        ("雪は白い。空は青い。", ["雪は白い。", "空は青い。"]),
        ("هل الثلج أبيض؟ نعم.", ["هل الثلج أبيض؟", "نعم."]),
        ("¿Qué? Nada.", ["¿Qué?", "Nada."]),
        ("  \n ", []),
    ],
)
def test_sentences_are_found(text, expected):
    assert sentences(text) == expected
