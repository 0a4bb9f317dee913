"""A step that is unlike the others names its rows, worst first, before it does any harm."""

import dataclasses

import pytest
import torch

from luthier.errors import TrainingError
from luthier.events import StepFinished
from luthier.objectives import sft_loss_sum
from luthier.tokens import Branch
from luthier.training import StepPlan, TrainingExample, run_step
from luthier.training.update import NAMED_ROWS, SHOWN_ROWS, try_step
from luthier.training.watch import Watch
from tiny import row_by_row_loss, tiny_llama
from tiny_training import are_equal, tiny_examples, tiny_training, values

USUAL = Watch(norms=(1e-6, 1.1e-6) * 16, losses=(4.0,) * 32, lowest_median=4.0)


def with_examples(job, examples):
    plan = StepPlan(examples, len(examples), 1.0, seed=0, budget_tokens=40)
    return dataclasses.replace(job, plan=plan)


def nan_where_weight_is_two(log_probs_P, weights_P):
    """A row of weight 2 stands for one whose numbers overflow."""
    return sft_loss_sum(log_probs_P, weights_P) * (torch.nan if bool((weights_P == 2).any()) else 1.0)


def one_bad_row(folder):
    good = tiny_examples(12)
    ids = good[0].branches[0].ids
    bad = TrainingExample((Branch(ids, (0.0,) * (len(ids) - 2) + (2.0, 2.0)),), "tickets.jsonl, line 41")
    return dataclasses.replace(with_examples(tiny_training(folder), [*good, bad]), loss_sum=nan_where_weight_is_two)


def test_a_row_whose_loss_is_not_finite_is_named_first(tmp_path):
    found, finished = try_step(one_bad_row(tmp_path), 0)
    assert finished is None and found is not None
    assert (found.kind, found.step, found.seen, found.step_rows) == ("not finite", 1, None, 13)
    assert found.rows[0].name == "tickets.jsonl, line 41" and found.rows[0].loss is None
    assert all(row.loss is not None for row in found.rows[1:]) and len(found.rows) == SHOWN_ROWS
    assert "worst rows: tickets.jsonl, line 41 (loss not finite); row" in found.message
    assert found.message.endswith(f"and {13 - NAMED_ROWS} more")


def test_a_step_that_is_not_finite_changes_nothing(tmp_path):
    job = one_bad_row(tmp_path)
    before = values(job)
    with pytest.raises(TrainingError, match="step 1: the loss is nan"):
        run_step(job, 0)
    assert are_equal(values(job), before) and job.progress.step == 0


def test_a_spike_is_told_with_the_rows_worst_first_and_the_step_is_taken(tmp_path):
    job = with_examples(tiny_training(tmp_path), tiny_examples(6))
    job.progress.watch = USUAL
    alone = tiny_llama(attention="sdpa")  # the adapter begins as identity, so its losses are the base's
    expected = {
        example.name: row_by_row_loss(alone, list(example.branches)).item() / 4 for example in job.plan.examples
    }
    found, finished = try_step(job, 0)
    assert found is not None and found.kind == "gradient spike"
    assert isinstance(finished, StepFinished) and finished.gradient_norm == found.seen
    assert [row.name for row in found.rows] == sorted(expected, key=lambda name: -expected[name])
    assert [row.loss for row in found.rows] == pytest.approx(sorted(expected.values(), reverse=True), rel=1e-5)


def test_looking_at_the_rows_does_not_change_the_step(tmp_path):
    """The worst rows are run again between the gradient and the update; the update must not notice."""
    plain, watched = tiny_training(tmp_path), tiny_training(tmp_path)
    watched.progress.watch = USUAL
    (nothing, _), (found, _) = try_step(plain, 0), try_step(watched, 0)
    assert nothing is None and found is not None
    assert are_equal(values(plain), values(watched))
