"""The benchmark of forecasts: its recipe is a good one, and its page counts what held."""

import argparse
from pathlib import Path

from benchmarks.probe import ROWS, page, recipe_of


def test_each_repetition_draws_other_rows():
    arguments = argparse.Namespace(
        train=Path("train.jsonl"), golden=Path("test.jsonl"), model="starter", golden_rows=500, epochs=3.0,
        threads=1, seeds=2,
    )  # fmt: skip
    first, second = (recipe_of(arguments, repetition) for repetition in (0, 1))
    assert first.data.max_examples == second.data.max_examples == ROWS
    assert (first.data.seed, second.data.seed) == (0, 1)


def test_the_page_counts_the_forecasts_that_held():
    row = {
        "forecast": {"mean": 0.7, "low": 0.4, "high": 0.9},
        "measured": 0.73,
        "holds": True,
        "forecast_loss": {"mean": 0.1, "low": 0.05, "high": 0.2},
        "measured_loss": 0.3,
        "loss_holds": False,
    }
    text = page([{"repetition": 0, **row}, {"repetition": 1, **row, "measured": 0.2, "holds": False}])
    assert "So far 1 of 2 hold; of the forecasts of the validation loss 0." in text
    assert "| 0 | 70.0 [40.0, 90.0] | 73.0 | yes | 0.100 [0.050, 0.200] | 0.300 |" in text
