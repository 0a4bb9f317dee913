"""Steps are a pure function of their number: the same examples whatever the order in which they are asked for."""

import dataclasses

import pytest

from luthier.training import StepPlan, TrainingExample
from tiny import random_branches

EXAMPLES = [TrainingExample((branch,), f"row {index}") for index, branch in enumerate(random_branches(21))]
PLAN = StepPlan(EXAMPLES, batch_examples=8, epochs=2.0, seed=3, budget_tokens=1000)


def test_every_epoch_holds_every_example_once_in_an_order_of_its_own():
    epochs = [[i for step in range(start, start + 3) for i in PLAN.members(step)] for start in (0, 3)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(21))] * 2
    assert epochs[0] != epochs[1]


def test_steps_may_be_asked_for_in_any_order():
    forward = [PLAN.members(step) for step in range(6)]
    fresh = dataclasses.replace(PLAN)
    assert [fresh.members(step) for step in (5, 0, 4, 1, 3, 2)] == [forward[step] for step in (5, 0, 4, 1, 3, 2)]


def test_a_plan_with_another_seed_draws_anew():
    PLAN.members(0)
    assert dataclasses.replace(PLAN, seed=4).members(0) != PLAN.members(0)


@pytest.mark.parametrize("budget_tokens", [60, 100, 1000])
def test_a_step_weighs_the_same_under_any_split(budget_tokens):
    step = dataclasses.replace(PLAN, budget_tokens=budget_tokens)(1)
    assert step.trained_weight == PLAN(1).trained_weight
    assert sum(len(tree.branches) for tree in step.trees) == len(step.examples)


def test_counting_a_step_gives_what_its_trees_hold():
    plan = dataclasses.replace(PLAN, budget_tokens=100)
    assert plan.packing(0).computed_tokens == tuple(tree.computed_tokens for tree in plan(0).trees)
