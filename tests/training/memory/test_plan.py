"""Which way is taken: the fastest that fits, and each decision with its reason."""

import dataclasses

import pytest

from luthier.recipe import TrainingSettings
from luthier.training.memory.machine import MemoryLimit
from luthier.training.memory.plan import Demand, MemoryChoice, StepSizes, candidates, explained, plan_at
from luthier.training.memory.probe import MicroBatchSize, StageBytes
from luthier.training.memory.standing import Standing

MEGABYTE = 1_000_000
STANDING = Standing(
    process=300 * MEGABYTE,
    allocator=100 * MEGABYTE,
    weights=100 * MEGABYTE,
    adapter=10 * MEGABYTE,
    optimizer_states=20 * MEGABYTE,
    gradients=10 * MEGABYTE,
)


def costs(is_checkpointed: bool) -> dict[str, StageBytes]:
    per_token = 40_000.0 if is_checkpointed else 200_000.0
    head = StageBytes(0.0, per_token, 0.0, 50_000.0)
    return {"forward": StageBytes(0.0, per_token, 0.0, 0.0), "head": head, "backward": StageBytes(0, per_token, 0, 0)}


def sizes(budget: int) -> StepSizes:
    tokens = min(budget, 8192)
    return StepSizes((MicroBatchSize(tokens, 0, tokens // 2),), is_accumulating=budget < 8192)


DEMAND = Demand(STANDING, sizes, costs, chunk_rows=1024)


def chosen(limit_megabytes: float, **settings):
    asked = TrainingSettings(**settings)
    limit = MemoryLimit(round(limit_megabytes * MEGABYTE), "for the test")
    tried = []
    for plan in candidates(asked, DEMAND, limit):
        if plan.is_fitting:
            return explained(plan, asked, tried)
        tried.append(plan)
    return None


def test_parts_add_up_to_the_peak_in_its_stage():
    plan = plan_at(DEMAND, 1024, False, MemoryLimit(10**10, ""))
    assert plan.stage == "head"
    assert plan.parts["activations"] == 1024 * 200_000
    assert plan.parts["head"] == 512 * 50_000
    assert plan.peak_bytes == 540 * MEGABYTE + 1024 * 200_000 + 512 * 50_000


def test_a_step_of_one_micro_batch_never_holds_activations_and_all_gradients():
    plan = plan_at(DEMAND, 8192, False, MemoryLimit(10**11, ""))
    assert plan.parts["gradients"] == 0


def test_gradients_whose_places_are_kept_lie_beside_activations_even_so():
    keeping = dataclasses.replace(DEMAND, standing=dataclasses.replace(STANDING, kept_gradients=10 * MEGABYTE))
    plan = plan_at(keeping, 8192, False, MemoryLimit(10**11, ""))
    assert plan.parts["gradients"] == 10 * MEGABYTE


def test_the_allocator_keeps_no_more_than_a_micro_batch_brought():
    plan = plan_at(DEMAND, 256, True, MemoryLimit(10**10, ""))
    assert plan.parts["allocator"] == plan.parts["activations"] + plan.parts["head"] < STANDING.allocator


def test_where_gradients_outweigh_activations_the_update_is_the_peak():
    heavy = Demand(Standing(0, 0, 0, 10**10, 2 * 10**10, 10**10), lambda budget: sizes(8192), costs, 1024)
    plan = plan_at(heavy, 8192, False, MemoryLimit(10**11, ""))
    assert (plan.stage, plan.peak_bytes) == ("update", 4 * 10**10)


@pytest.mark.parametrize(
    ("limit_megabytes", "budget", "is_checkpointed"),
    [(10_000, 4096, False), (1_200, 2048, False), (900, 1024, False), (800, 2048, True), (600, 512, True)],
)
def test_the_fastest_way_that_fits_is_taken(limit_megabytes, budget, is_checkpointed):
    plan = chosen(limit_megabytes)
    assert plan is not None
    assert (plan.micro_batch_tokens, plan.is_checkpointed) == (budget, is_checkpointed)
    assert plan.peak_bytes * 1.1 <= limit_megabytes * MEGABYTE


def test_nothing_fits_into_less_than_what_stays():
    assert chosen(500) is None


def test_what_the_recipe_asks_is_not_changed():
    assert chosen(1_200, micro_batch_tokens=4096, activation_checkpointing="off") is None
    plan = chosen(10_000, micro_batch_tokens=777, activation_checkpointing="on")
    assert plan is not None
    assert (plan.micro_batch_tokens, plan.is_checkpointed) == (777, True)
    assert all("recipe asks" in reason for reason in plan.reasons.values())


def test_what_a_resumed_run_had_chosen_comes_first():
    earlier = MemoryChoice(512, True)
    first, second, *_ = candidates(TrainingSettings(), DEMAND, MemoryLimit(10**11, ""), earlier)
    assert (first.micro_batch_tokens, first.is_checkpointed) == (512, True)
    assert (second.micro_batch_tokens, second.is_checkpointed) == (4096, False)


def test_decisions_say_what_would_have_been_too_much():
    plan = chosen(800)
    assert plan is not None
    assert "0.80 GB, for the test" in plan.reasons["micro_batch_tokens"]
    assert "needed to fit" in plan.reasons["activation_checkpointing"]
