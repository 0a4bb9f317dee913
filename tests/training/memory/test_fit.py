"""A training is cut to the memory there is, and still learns the same."""

import pytest
import torch

from luthier.errors import TrainingError
from luthier.events import StepFinished
from luthier.models import is_recomputed
from luthier.recipe import Full, Lora, TrainingSettings
from luthier.training import MemoryChoice, fit_into_memory, train
from luthier.training.memory import held_bytes
from tiny_training import tiny_training

LORA = Lora(rank=4)


def fit(job, earlier=None, **settings):
    return fit_into_memory(job, TrainingSettings(**settings), LORA, earlier)


def losses(job):
    return [event.loss for event in train(job) if isinstance(event, StepFinished)]


def gigabytes_held() -> float:
    return held_bytes(torch.device("cpu")) / 1e9


def test_with_room_enough_nothing_changes_but_the_budget(tmp_path):
    job, plan = fit(tiny_training(tmp_path))
    assert (plan.micro_batch_tokens, plan.is_checkpointed) == (4096, False)
    assert job.plan.budget_tokens == 4096
    assert not is_recomputed(job.adapter.model)


def test_looking_ahead_leaves_no_gradients_and_changes_no_result(tmp_path):
    plain = losses(tiny_training(tmp_path / "plain"))
    job, _ = fit(tiny_training(tmp_path / "planned"))
    assert all(p.grad is None for p in [*job.adapter.model.parameters(), *job.adapter.parameters().values()])
    assert losses(job) == plain


def test_small_micro_batches_computed_twice_lose_the_same(tmp_path):
    whole = losses(tiny_training(tmp_path / "whole"))
    job, plan = fit(tiny_training(tmp_path / "cut"), micro_batch_tokens=64, activation_checkpointing="on")
    assert is_recomputed(job.adapter.model)
    assert len(job.plan(0).trees) > 1
    assert max(tree.computed_tokens for step in job.validation for tree in step.trees) <= 64
    assert plan.reasons["micro_batch_tokens"].startswith("the recipe asks for it")
    assert losses(job) == pytest.approx(whole, rel=1e-5)


def test_a_resumed_run_keeps_its_choice(tmp_path):
    job, plan = fit(tiny_training(tmp_path), MemoryChoice(512, True))
    assert (job.plan.budget_tokens, plan.is_checkpointed) == (512, True)


def test_a_limit_that_nothing_fits_into_is_refused_with_parts(tmp_path):
    with pytest.raises(
        TrainingError, match=r"does not fit: it needs .* at its peak \(process .*training\.memory_limit_gb"
    ):
        fit(tiny_training(tmp_path), memory_limit_gb=gigabytes_held() / 2)


def test_the_prediction_counts_the_process_and_every_part(tmp_path):
    _, plan = fit_into_memory(tiny_training(tmp_path, Full()), TrainingSettings(), Full())
    assert plan.peak_bytes == pytest.approx(gigabytes_held() * 1e9, rel=0.2)
    assert set(plan.parts) >= {"process", "weights", "adapter", "optimizer_states", "gradients", "activations", "head"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_whose_places_the_masters_keep_are_counted_between_steps_too(tmp_path, dtype):
    job = tiny_training(tmp_path, Full())
    job.adapter.compute_in(dtype)
    _, plan = fit_into_memory(job, TrainingSettings(), Full())
    kept = sum(p.nbytes for p in job.adapter.parameters().values()) if dtype is torch.bfloat16 else 0
    assert plan.parts["gradients"] == kept
