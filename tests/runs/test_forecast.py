"""The forecast counts what a run will compute, and grows with what makes a run longer or larger."""

import dataclasses

import pytest
import torch

from luthier.adapters import put_on
from luthier.recipe import Full, Lora
from luthier.runs import forecast as forecast_file
from luthier.runs.forecast import forecast
from luthier.training import MemoryPlan, StepPlan, TrainingExample
from luthier.training.memory import MemoryLimit
from tiny import random_branches, tiny_llama

EXAMPLES = [TrainingExample((branch,), f"row {i}") for i, branch in enumerate(random_branches(48))]
FOUR_STEPS = StepPlan(EXAMPLES, batch_examples=12, epochs=1.0, seed=0, budget_tokens=100_000)


def lora():
    return put_on(Lora(rank=2), tiny_llama().requires_grad_(False), "base", seed=0)


@pytest.fixture(autouse=True)
def _a_machine_of_known_speed(monkeypatch):
    monkeypatch.setattr(forecast_file, "_operations_per_second", lambda dtype, adapter: 1e9)


def test_a_run_of_few_steps_is_counted_exactly():
    trees = [tree for step in range(FOUR_STEPS.steps) for tree in FOUR_STEPS(step).trees]
    expected = forecast(lora(), FOUR_STEPS, torch.float32)
    assert expected.computed_tokens == sum(tree.computed_tokens for tree in trees)
    assert expected.micro_batch_tokens == max(tree.computed_tokens for tree in trees)


def test_a_long_run_is_counted_from_a_sample():
    plan = dataclasses.replace(FOUR_STEPS, batch_examples=2)
    expected = forecast(lora(), plan, torch.float32)
    exact = sum(tree.computed_tokens for step in range(plan.steps) for tree in plan(step).trees)
    assert plan.steps == 24
    assert expected.computed_tokens == pytest.approx(exact, rel=0.25)


def test_minutes_are_operations_over_the_reached_rate():
    adapter = lora()
    expected = forecast(adapter, FOUR_STEPS, torch.float32)
    weights = sum(p.numel() for p in adapter.model.parameters())
    seconds = 4 * weights * expected.computed_tokens / (forecast_file.REACHED_SHARE * 1e9)
    assert expected.minutes == pytest.approx(seconds / 60)


def test_training_every_weight_takes_longer():
    full = forecast(put_on(Full(), tiny_llama(), "base", seed=0), FOUR_STEPS, torch.float32)
    thin = forecast(lora(), FOUR_STEPS, torch.float32)
    assert full.minutes > thin.minutes


def test_the_peak_is_the_memory_plans_and_unknown_without_one():
    plan = MemoryPlan({"weights": 3, "head": 4}, "head", 512, False, MemoryLimit(10, "free"), {})
    assert forecast(lora(), FOUR_STEPS, torch.float32, plan).peak_memory_bytes == 7
    assert forecast(lora(), FOUR_STEPS, torch.float32).peak_memory_bytes is None


def test_the_machine_is_measured(monkeypatch):
    monkeypatch.undo()
    assert 0 < forecast(lora(), FOUR_STEPS, torch.float32).minutes < 1
