"""The summary counts what the steps hold, exactly or from a sample, and says what was shared and what was not."""

import dataclasses

import pytest

from luthier.tokens import Branch
from luthier.training import StepPlan, TrainingExample, folding_summary
from tiny import random_branches


def plan_of(branches: list[Branch], batch_examples: int = 8, epochs: float = 1.0, budget_tokens: int = 100_000):
    examples = [TrainingExample((branch,), f"row {index}") for index, branch in enumerate(branches)]
    return StepPlan(examples, batch_examples, epochs, seed=0, budget_tokens=budget_tokens)


def counted(plan: StepPlan) -> tuple[int, int]:
    trees = [tree for step in range(plan.steps) for tree in plan(step).trees]
    return sum(tree.given_tokens for tree in trees), sum(tree.computed_tokens for tree in trees)


@pytest.mark.parametrize("epochs", [1.0, 2.0, 1.4])
@pytest.mark.parametrize("is_folded", [True, False])
def test_a_short_run_is_counted_exactly(epochs, is_folded):
    plan = dataclasses.replace(plan_of(random_branches(45), epochs=epochs, budget_tokens=90), is_folded=is_folded)
    summary = folding_summary(plan)
    assert summary.is_exact
    assert (summary.given_tokens, summary.computed_tokens) == counted(plan)


def test_a_long_run_is_counted_from_a_sample_and_says_so():
    plan = plan_of(random_branches(400), epochs=2.5)
    summary = folding_summary(plan, most_steps=20)
    given, computed = counted(plan)
    assert not summary.is_exact
    assert "20 of 125 steps" in summary.reasons[0]
    assert summary.given_tokens == given
    assert summary.computed_tokens == pytest.approx(computed, rel=0.05)


def test_the_largest_shared_beginning_is_named():
    plan = plan_of(random_branches(24, shared_tokens=40))
    assert any(reason.endswith("rows of a step share 40 tokens") for reason in folding_summary(plan).reasons)


def test_beginnings_too_short_to_share_are_counted():
    plan = plan_of([Branch((row // 2, 9, row), (0.0, 0.0, 1.0)) for row in range(8)])
    assert folding_summary(plan).reasons[1:] == (
        "no two rows of a step begin alike for long enough to share it",
        "4 beginnings of 2 tokens were not shared: a fork costs as much as 5.3 tokens",
    )


def test_rows_that_repeat_and_tokens_computed_again_are_said():
    row = random_branches(1)[0]
    repeated = folding_summary(plan_of([row] * 8)).reasons
    cut = folding_summary(plan_of(random_branches(24, shared_tokens=60), budget_tokens=200)).reasons
    assert "7 rows repeat or begin another row of their step: nothing to compute" in repeated
    assert any("are computed again in another micro-batch" in reason for reason in cut)


def test_a_run_without_folding_says_that_the_recipe_wanted_it_so():
    plan = dataclasses.replace(plan_of(random_branches(8)), is_folded=False)
    assert folding_summary(plan).reasons == ("nothing is shared: training.fold is false",)
