"""A long training holds no more than a short one, and a step of many rows' data touches its own rows only.

`benchmarks/endurance.py` measures both in seconds and megabytes.
"""

import dataclasses
import gc

import torch

from luthier.events import StepFinished
from luthier.training import StepPlan, TrainingExample, train
from tiny_training import tiny_examples, tiny_training


def live_tensors() -> int:
    gc.collect()
    return sum(issubclass(type(found), torch.Tensor) for found in gc.get_objects())


def test_no_tensor_outlives_its_step(tmp_path):
    """Also with all that watches and keeps: the window is full by then, and checkpoints were written and removed."""
    counts = []
    for event in train(tiny_training(tmp_path, epochs=24.0, on_instability="rollback")):
        if isinstance(event, StepFinished) and event.step in (36, 48):
            counts.append(live_tensors())
    assert len(counts) == 2 and counts[0] == counts[1]


class CountedRows(list[TrainingExample]):
    """Counts how many rows were looked at."""

    looked_at = 0

    def __getitem__(self, index):
        self.looked_at += 1
        return super().__getitem__(index)


def test_a_step_looks_at_its_own_rows_only(tmp_path):
    rows = CountedRows(tiny_examples(8) * 500)
    plan = StepPlan(rows, 16, 1.0, seed=0, budget_tokens=10_000)
    job = dataclasses.replace(tiny_training(tmp_path, validation=[]), plan=plan)
    for event in train(job):
        if isinstance(event, StepFinished) and event.step == 3:
            break
    assert rows.looked_at == 3 * 16
