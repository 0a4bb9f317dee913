"""The losses of validation rows are those that the rows have alone, in the order of the rows."""

import pytest
import torch

from luthier.training import TrainingExample, make_step, train, validate
from luthier.training.row_losses import row_losses
from tiny import random_branches, row_by_row_loss, tiny_llama
from tiny_training import tiny_training


@pytest.mark.parametrize("budget", [100_000, 40])
def test_each_row_loses_what_it_loses_alone(tmp_path, budget):
    branches = random_branches(7, seed=5)
    rows = [TrainingExample(tuple(branches[i : i + 2]), f"row {i}") for i in (0, 2, 4)]
    training = tiny_training(tmp_path, validation=[make_step(rows, budget, True)])
    truth = tiny_llama(attention="sdpa")
    with torch.no_grad():
        expected = [row_by_row_loss(truth, list(row.branches)).item() for row in rows]
    found = row_losses(training)
    assert [row.loss for row in found] == pytest.approx(expected, rel=1e-5)
    assert [row.weight for row in found] == [8.0, 8.0, 8.0]


def test_rows_that_are_one_object_lose_the_same(tmp_path):
    (branch,) = random_branches(1)
    rows = [TrainingExample((branch,), "a"), TrainingExample((branch,), "b")]
    first, second = row_losses(tiny_training(tmp_path, validation=[make_step(rows, 100, True)]))
    assert first == second


def test_their_mean_is_the_validation_loss_and_they_are_kept(tmp_path):
    training = tiny_training(tmp_path)
    list(train(training))
    rows = training.progress.row_losses
    assert len(rows) == 5
    assert validate(training, 6).loss == pytest.approx(sum(r.loss for r in rows) / sum(r.weight for r in rows))
