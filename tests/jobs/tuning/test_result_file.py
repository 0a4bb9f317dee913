"""The result CSV: five columns first, empty where nothing was measured, numbers only."""

import pytest

from luthier.jobs.tuning.result_file import result_csv


def test_columns_and_empty_cells():
    rows = [{"step": 1, "train_loss": 0.5, "train_mean_token_accuracy": 0.25}, {"step": 2, "full_valid_loss": 1 / 3}]
    header, first, second = result_csv(rows).decode().splitlines()
    assert header.split(",")[:5] == ["step", "train_loss", "train_accuracy", "valid_loss", "valid_mean_token_accuracy"]
    assert first.split(",")[:5] == ["1", "0.5", "0.25", "", ""]
    assert second.split(",")[5] == "0.333333"


def test_text_never_becomes_a_cell():
    with pytest.raises(ValueError):
        result_csv([{"step": "=HYPERLINK(1)"}])
