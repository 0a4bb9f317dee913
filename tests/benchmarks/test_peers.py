"""The batch that peers get: right-padded, and trained where the rows say."""

import torch

from benchmarks.peers import padded_batches
from benchmarks.workloads import Row


def test_rows_are_padded_to_the_longest_of_the_batch_and_trained_on_their_answers():
    step = [Row((10, 11, 12, 13), 2), Row((20, 21), 1), Row((30, 31, 32), 1)]
    first, second = padded_batches(step, 2, torch.device("cpu"))
    assert first["input_ids"].tolist() == [[10, 11, 12, 13], [20, 21, 0, 0]]
    assert first["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert first["labels"].tolist() == [[-100, -100, 12, 13], [-100, 21, -100, -100]]
    assert second["input_ids"].tolist() == [[30, 31, 32]]
