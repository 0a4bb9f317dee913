"""Rows in, examples out: reading, checking, splitting and preflight. Runs on a laptop, without torch."""

from luthier.data.answers import AnswerKind, answer_kind
from luthier.data.detection import suggest_columns
from luthier.data.leaks import Leak, find_leaks
from luthier.data.named_column import column_of
from luthier.data.original_rows import original_rows
from luthier.data.preflight import preflight
from luthier.data.raw_rows import read_rows
from luthier.data.reading import read_examples
from luthier.data.rows import BadRow, Rows
from luthier.data.split import Splits, split_examples
from luthier.data.write import write_examples

__all__ = [
    "AnswerKind",
    "BadRow",
    "Leak",
    "Rows",
    "Splits",
    "answer_kind",
    "column_of",
    "find_leaks",
    "original_rows",
    "preflight",
    "read_examples",
    "read_rows",
    "split_examples",
    "suggest_columns",
    "write_examples",
]
