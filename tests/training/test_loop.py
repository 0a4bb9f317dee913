"""The loop's promises: folding and splitting change nothing, resuming is exact, a broken step says where."""

import dataclasses

import pytest
import torch

from luthier.adapters import put_on
from luthier.errors import StorageError, TrainingError
from luthier.events import CheckpointSaved, StepFinished, Validated
from luthier.objectives import sft_loss_sum
from luthier.recipe import Full, Lora, TrainingSettings
from luthier.training import (
    Cadence,
    NamedAdamW,
    Schedule,
    StepPlan,
    Training,
    TrainingExample,
    list_checkpoints,
    make_step,
    run_step,
    train,
)
from tiny import random_branches, tiny_llama


def examples(count=32):
    return [TrainingExample((branch,), f"row {i}") for i, branch in enumerate(random_branches(count))]


def training(folder, method=None, budget_tokens=100_000, is_folded=True, epochs=3.0, **changes):
    model = tiny_llama().requires_grad_(False)
    adapter = put_on(method or Lora(rank=4), model, "base", seed=0)
    plan = StepPlan(examples(), 16, epochs, seed=7, budget_tokens=budget_tokens, is_folded=is_folded)
    settings = TrainingSettings()
    built = Training(
        adapter=adapter,
        plan=plan,
        validation=[make_step(examples(5), budget_tokens, is_folded)],
        loss_sum=sft_loss_sum,
        optimizer=NamedAdamW(adapter.parameters(), settings),
        schedule=Schedule("cosine", 5e-3, plan.steps, 1),
        cadence=Cadence(validate_steps=plan.steps_per_epoch, checkpoint_steps=2, keep_checkpoints=2),
        clip_norm=1.0,
        compute_dtype=torch.float32,
        checkpoints=folder,
    )
    return dataclasses.replace(built, **changes)


def losses(events):
    return [event.loss for event in events if isinstance(event, StepFinished)]


def values(job):
    return {name: p.detach().clone() for name, p in job.adapter.parameters().items()}


@pytest.mark.parametrize("method", [Lora(rank=4), Full()], ids=["lora", "full"])
def test_folded_and_unfolded_runs_lose_the_same_step_by_step(tmp_path, method):
    folded = losses(train(training(tmp_path / "a", method)))
    unfolded = losses(train(training(tmp_path / "b", method, is_folded=False)))
    assert len(folded) == 6
    assert folded == pytest.approx(unfolded, rel=1e-5)


def first_gradients(job):
    """Gradients of the first step, before any update."""
    seen = {}
    parameters = job.adapter.parameters()

    class Recorder(NamedAdamW):
        def step(self, learning_rate):
            seen.update({name: p.grad.clone() for name, p in parameters.items()})
            super().step(learning_rate)

    run_step(dataclasses.replace(job, optimizer=Recorder(parameters, TrainingSettings())), 0)
    return seen


@pytest.mark.parametrize("method", [Lora(rank=4), Full()], ids=["lora", "full"])
def test_micro_batch_splits_give_the_same_gradient(tmp_path, method):
    """1 x 16, about 4 x 4 and 16 x 1: the count of trees differs, the step's gradient does not."""
    jobs = [training(tmp_path, method, budget_tokens=budget) for budget in (100_000, 90, 1)]
    tree_counts = [len(job.plan(0).trees) for job in jobs]
    assert tree_counts[0] == 1 and 3 <= tree_counts[1] <= 8 and tree_counts[2] == 16
    whole, *split = (first_gradients(job) for job in jobs)
    for other in split:
        for name, expected in whole.items():
            assert (other[name] - expected).norm() <= 1e-5 * expected.norm() + 1e-9


def test_micro_batch_splits_give_the_same_losses(tmp_path):
    whole, *split = (losses(train(training(tmp_path / str(b), budget_tokens=b))) for b in (100_000, 90, 1))
    for other in split:
        assert other == pytest.approx(whole, rel=1e-5)


def test_the_loss_falls(tmp_path):
    seen = losses(train(training(tmp_path, epochs=10.0)))
    assert seen[-1] < 0.7 * seen[0]


@pytest.mark.parametrize("method", [Lora(rank=4), Full()], ids=["lora", "full"])
def test_a_stopped_run_goes_on_bit_for_bit(tmp_path, method):
    whole = training(tmp_path / "whole", method)
    list(train(whole))
    for event in train(training(tmp_path / "stopped", method)):
        if isinstance(event, StepFinished) and event.step == 3:
            break
    again = training(tmp_path / "stopped", method)
    assert losses(train(again)) != []
    for name, expected in values(whole).items():
        assert torch.equal(values(again)[name], expected)


def test_a_finished_run_does_nothing_more(tmp_path):
    list(train(training(tmp_path)))
    assert list(train(training(tmp_path))) == []


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path):
    list(train(training(tmp_path)))
    newest = list_checkpoints(tmp_path)[-1]
    file = newest / "parameters.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    steps = [event.step for event in train(training(tmp_path)) if isinstance(event, StepFinished)]
    assert steps == [5, 6]


def test_when_every_checkpoint_is_damaged_the_run_refuses(tmp_path):
    list(train(training(tmp_path)))
    for folder in list_checkpoints(tmp_path):
        (folder / "parameters.safetensors").write_bytes(b"")
    with pytest.raises(StorageError, match="damaged"):
        list(train(training(tmp_path)))


def test_only_the_last_checkpoints_are_kept(tmp_path):
    saved = [event for event in train(training(tmp_path)) if isinstance(event, CheckpointSaved)]
    assert len(saved) == 3
    assert [folder.name for folder in list_checkpoints(tmp_path)] == ["step-000004", "step-000006"]


def test_validation_comes_before_the_first_step_and_after_each_epoch(tmp_path):
    assert [e.step for e in train(training(tmp_path)) if isinstance(e, Validated)] == [0, 2, 4, 6]


def test_a_loss_that_is_not_finite_names_the_step_and_the_rows(tmp_path):
    job = training(tmp_path)
    broken = dataclasses.replace(job, loss_sum=lambda log_probs, weights: (log_probs * float("nan")).sum())
    with pytest.raises(TrainingError, match=r"step 1: the loss is nan.*row \d+"):
        list(train(dataclasses.replace(broken, validation=[])))


def test_rows_are_drawn_from_the_seed_and_each_epoch_sees_all():
    plan = StepPlan(examples(21), 8, 2.0, seed=1, budget_tokens=1000)
    assert plan.steps == 6
    epoch = [i for step in range(3) for i in plan.members(step)]
    assert sorted(epoch) == list(range(21))
    assert epoch != [i for step in range(3, 6) for i in plan.members(step)]
