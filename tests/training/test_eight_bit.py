"""Moments in 8 bits: a quarter of the memory, nearly the same curve, and a state that is written down exactly."""

import dataclasses

import pytest
import torch
from torch import nn

from luthier.events import StepFinished
from luthier.recipe import Full, TrainingSettings
from luthier.training import make_optimizer, train
from luthier.training.eight_bit import LEAST_VALUES, NamedAdamW8bit, dynamic_table
from luthier.training.optimizer_choice import state_bytes
from tiny_training import are_equal, tiny_training, values

SETTINGS = TrainingSettings(optimizer="adamw-8bit", weight_decay=0.1)
TABLES = {"signed": dynamic_table(True), "unsigned": dynamic_table(False)}


def parameters(*shapes: tuple[int, ...]) -> dict[str, nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return {f"p{i}": nn.Parameter(torch.randn(*shape, generator=generator)) for i, shape in enumerate(shapes)}


def give_gradients(held: dict[str, nn.Parameter], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in held.values():
        # Of very different sizes, as in a real model.
        sizes = 10.0 ** torch.empty(parameter.shape).uniform_(-4, 0, generator=generator)
        parameter.grad = torch.randn(parameter.shape, generator=generator) * sizes


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_table_has_256_values_among_them_0_and_1_and_small_ones(table):
    assert len(table.values.unique()) == 256
    assert 0.0 in table.values and table.values.max() == 1.0
    assert table.values[table.values > 0].min() < 1e-6


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_value_finds_the_nearest_entry(table):
    shares = torch.linspace(float(table.values.min()), 1.0, 5001).bfloat16()
    found = table.values[table.nearest[shares.view(torch.int16).int()].int()]
    best = (table.values[None] - shares.float()[:, None]).abs().amin(dim=1)
    torch.testing.assert_close((found - shares.float()).abs(), best, rtol=0, atol=1e-7)


def test_updates_follow_those_of_adamw():
    """The paper's figure: a relative error of about 1 % per value; over steps, updates stay close in direction."""
    ours, theirs = parameters((100, 77)), parameters((100, 77))
    start = ours["p0"].detach().clone()
    rounded = make_optimizer(ours, SETTINGS)
    exact = make_optimizer(theirs, SETTINGS.model_copy(update={"optimizer": "adamw"}))
    for seed in range(20):
        for held, optimizer in ((ours, rounded), (theirs, exact)):
            give_gradients(held, seed)
            optimizer.step(1e-3)
    moved, expected = ours["p0"] - start, theirs["p0"] - start
    assert (moved - expected).norm() < 0.05 * expected.norm()


def test_small_tensors_stay_in_float32():
    held = parameters((LEAST_VALUES,), (LEAST_VALUES - 1,))
    optimizer = make_optimizer(held, SETTINGS)
    give_gradients(held, 0)
    optimizer.step(1e-3)
    kinds = {name: moment.dtype for name, moment in optimizer.moments().items()}
    assert kinds["p0/exp_avg_codes"] == torch.uint8
    assert kinds["p1/exp_avg"] == torch.float32


def test_states_take_a_quarter_of_the_memory():
    held = parameters((512, 300), (300,))
    optimizer = make_optimizer(held, SETTINGS)
    give_gradients(held, 0)
    optimizer.step(1e-3)
    taken = sum(m.nbytes for name, m in optimizer.moments().items() if not name.endswith("/step"))
    whole = state_bytes(held.values(), TrainingSettings())
    assert taken == state_bytes(held.values(), SETTINGS)
    assert taken < 0.3 * whole


def test_a_rate_factor_multiplies_the_step_of_its_parameter():
    held = parameters((64, 64), (64, 64))
    start = {name: p.detach().clone() for name, p in held.items()}
    optimizer = NamedAdamW8bit(held, TrainingSettings(), {"p1": 4.0})
    for parameter in held.values():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step(1e-3)
    plain, fast = ((held[name] - start[name]).abs().mean().item() for name in ("p0", "p1"))
    assert fast == pytest.approx(4 * plain, rel=1e-3)


def with_eight_bits(folder):
    job = tiny_training(folder, Full(), epochs=5.0)
    # The tiny model has no tensor of 4,096 values, so that without this nothing would be rounded.
    optimizer = NamedAdamW8bit(job.adapter.parameters(), SETTINGS, least_values=512)
    return dataclasses.replace(job, optimizer=optimizer)


def losses(events):
    return [event.loss for event in events if isinstance(event, StepFinished)]


def test_a_training_loses_as_with_adamw(tmp_path):
    rounded = losses(train(with_eight_bits(tmp_path / "8")))
    exact = losses(train(tiny_training(tmp_path / "32", Full(), epochs=5.0)))
    assert exact[-1] < 0.9 * exact[0]
    assert rounded == pytest.approx(exact, rel=0.05)


def test_a_stopped_run_goes_on_bit_for_bit(tmp_path):
    whole = with_eight_bits(tmp_path / "whole")
    list(train(whole))
    for event in train(with_eight_bits(tmp_path / "stopped")):
        if isinstance(event, StepFinished) and event.step == 5:
            break
    again = with_eight_bits(tmp_path / "stopped")
    assert len(losses(train(again))) < 10
    assert are_equal(values(again), values(whole))
