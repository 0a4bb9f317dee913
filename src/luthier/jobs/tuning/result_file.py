"""The result file of a job: one row of CSV per step (contract, section 9)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

COLUMNS = {
    "step": "step",
    "train_loss": "train_loss",
    "train_accuracy": "train_mean_token_accuracy",
    "valid_loss": "valid_loss",
    "valid_mean_token_accuracy": "valid_mean_token_accuracy",
    "full_valid_loss": "full_valid_loss",
    "full_valid_mean_token_accuracy": "full_valid_mean_token_accuracy",
}


def result_csv(metrics: Iterable[Mapping[str, Any]]) -> bytes:
    """Empty cells where a value was not measured; only numbers ever get in."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in metrics:
        cells = (row.get(name) for name in COLUMNS.values())
        writer.writerow("" if cell is None else _number(cell) for cell in cells)
    return text.getvalue().encode()


def _number(value: Any) -> str:
    return str(value) if isinstance(value, int) else format(float(value), ".6g")
