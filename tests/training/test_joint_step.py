"""Steps of several trainings cut together keep their rows and weights, and no micro-batch outgrows one job's own."""

import dataclasses

import pytest
import torch

from luthier.adapters import put_on
from luthier.models import folding_of
from luthier.objectives import sft_loss_sum
from luthier.recipe import Lora, TrainingSettings
from luthier.training import Cadence, NamedAdamW, Schedule, StepPlan, Training, TrainingExample
from luthier.training import joint_step as joint_steps
from luthier.training.joint_step import plan_jointly
from tiny import random_branches, tiny_llama


@pytest.fixture
def full_rate(monkeypatch):
    """As if products of any size ran at full rate, so that tiny steps are told apart."""
    monkeypatch.setattr(joint_steps, "FULL_RATE_TOKENS", 1)


def jobs_of(folder, rows, budget=1000):
    """A job for each count of rows, all of them in its first step."""
    model = tiny_llama().requires_grad_(False)
    jobs = {}
    for seed, count in enumerate(rows):
        adapter = put_on(Lora(rank=2), model, "base", seed=seed, slot=f"job-{seed}")
        examples = [TrainingExample((b,), f"row {i}") for i, b in enumerate(random_branches(count, seed))]
        plan = StepPlan(examples, count, 1.0, seed, budget)
        optimizer = NamedAdamW(adapter.parameters(), TrainingSettings())
        schedule, cadence = Schedule("constant", 1e-3, plan.steps, 0), Cadence(0, 100, 1)
        jobs[f"job-{seed}"] = Training(
            adapter, plan, (), sft_loss_sum, optimizer, schedule, cadence, 1.0, torch.float32, folder
        )
    return jobs


def sizes(joint):
    return [sum(tree.computed_tokens for _, tree in parts) for parts in joint.micro_batches]


def test_each_job_keeps_its_rows_and_its_weight(tmp_path, full_rate):
    jobs = jobs_of(tmp_path, (5, 20, 9), budget=150)
    joint = plan_jointly(jobs)
    for name, job in jobs.items():
        alone, step = job.plan(0), joint.steps[name]
        assert step.trained_weight == alone.trained_weight and step.examples == alone.examples
        written = [branch for tree in step.trees for branch in tree.branches]
        assert sorted(b.ids for b in written) == sorted(b.ids for tree in alone.trees for b in tree.branches)
        assert step.trees == tuple(tree for parts in joint.micro_batches for owner, tree in parts if owner == name)


def test_no_micro_batch_is_larger_than_the_largest_of_a_job_alone(tmp_path, full_rate):
    jobs = jobs_of(tmp_path, (5, 20, 9))
    largest = max(tree.computed_tokens for job in jobs.values() for tree in job.plan(0).trees)
    assert max(sizes(plan_jointly(jobs))) <= largest


def test_small_steps_share_a_micro_batch_up_to_where_products_run_at_full_rate(tmp_path):
    assert len(plan_jointly(jobs_of(tmp_path, (5, 6, 7))).micro_batches) == 1


def test_the_smallest_budget_of_all_binds(tmp_path):
    jobs = jobs_of(tmp_path, (20, 20))
    tight = dataclasses.replace(jobs["job-1"].plan, budget_tokens=90)
    jobs["job-1"] = dataclasses.replace(jobs["job-1"], plan=tight)
    assert max(sizes(plan_jointly(jobs))) <= 90


def test_jobs_that_cannot_share_a_forward_are_cut_as_alone(tmp_path):
    jobs = jobs_of(tmp_path, (5, 20), budget=150)
    model = jobs["job-0"].adapter.model
    model.folding = dataclasses.replace(folding_of(model), path="rows")
    assert sizes(plan_jointly(jobs)) == [tree.computed_tokens for job in jobs.values() for tree in job.plan(0).trees]


def test_one_job_is_cut_as_alone(tmp_path):
    jobs = jobs_of(tmp_path, (20,), budget=150)
    assert sizes(plan_jointly(jobs)) == [tree.computed_tokens for tree in jobs["job-0"].plan(0).trees]
