"""When nothing fits, the error names changes that would, with the peak of each."""

import pytest

from luthier.errors import TrainingError
from luthier.recipe import Full, Lora, TrainingSettings
from luthier.training.memory.machine import MemoryLimit
from luthier.training.memory.plan import Demand, StepSizes, plan_at
from luthier.training.memory.probe import MicroBatchSize, StageBytes
from luthier.training.memory.remedies import ModelValues, does_not_fit, ways_out
from luthier.training.memory.standing import Standing

BILLION = 1_000_000_000
VALUES = ModelValues(all=BILLION, linear=9 * BILLION // 10, lora=10_000_000)
FULL = Standing(
    process=0, allocator=0, weights=0, adapter=4 * BILLION, optimizer_states=8 * BILLION, gradients=4 * BILLION
)
LORA = Standing(0, 0, weights=4 * BILLION, adapter=0, optimizer_states=0, gradients=0)


def demand(standing: Standing, longest: int = 512) -> Demand:
    cost = {"forward": StageBytes(0.0, 1e6, 0.0, 0.0)}
    return Demand(
        standing, lambda budget: StepSizes((MicroBatchSize(max(budget, longest), 0, 0),), True), lambda on: cost, 1
    )


def error(standing, method, limit_bytes, longest=512, **settings) -> TrainingError:
    asked, limit, wanted = TrainingSettings(**settings), MemoryLimit(limit_bytes, "free"), demand(standing, longest)
    smallest = plan_at(wanted, 256, True, limit)
    return does_not_fit(smallest, list(ways_out(wanted, asked, method, VALUES, limit)))


def test_full_tuning_is_shown_milder_ways_first():
    told = error(FULL, Full(), 12 * BILLION)
    assert "needs 16.51 GB" in told.found and "there is 12.00 GB (free)" in told.found
    first, second, third = told.fix.split("; or ")
    assert first.startswith("--set training.optimizer=adamw-8bit (about 10.5")
    assert second.startswith("--set method.kind=lora (about 4.")
    assert third.startswith("--set method.kind=lora --set method.base_bits=4 (about 1.")


def test_only_ways_that_fit_are_called_fixes():
    assert error(FULL, Full(), 3 * BILLION).fix.startswith("--set method.kind=lora --set method.base_bits=4")


def test_when_no_way_fits_the_nearest_are_named_and_no_more_is_promised():
    told = error(FULL, Full(), BILLION)
    assert told.fix.startswith("a smaller model or a larger machine; nearest to fitting: ")


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        ({"micro_batch_tokens": 8192}, "training.micro_batch_tokens=auto"),
        ({"activation_checkpointing": "off"}, "training.activation_checkpointing=auto"),
    ],
)
def test_settings_that_stand_in_the_way_are_named(settings, change):
    assert change in error(LORA, Lora(), 10 * BILLION, **settings).fix


def test_lora_may_go_to_4_bits_and_rows_may_be_shorter():
    told = error(LORA, Lora(), 5 * BILLION, longest=1024)
    assert "method.base_bits=4" in told.fix
    assert "data.max_tokens=512" in told.fix
