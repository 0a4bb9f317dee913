"""Rows in, examples out: reading, checking, splitting and preflight. Runs on a laptop, without torch."""

from luthier.data.answers import AnswerKind, answer_kind
from luthier.data.detection import suggest_columns
from luthier.data.preflight import preflight
from luthier.data.reading import read_examples
from luthier.data.rows import BadRow, Rows
from luthier.data.split import Splits, split_examples
from luthier.data.write import write_examples

__all__ = [
    "AnswerKind",
    "BadRow",
    "Rows",
    "Splits",
    "answer_kind",
    "preflight",
    "read_examples",
    "split_examples",
    "suggest_columns",
    "write_examples",
]
