"""The number format is what was asked, or what measuring found faster by enough."""

import pytest
import torch

from luthier.models import choose_precision
from luthier.models import precision as precision_file

CPU = torch.device("cpu")


def measured(monkeypatch: pytest.MonkeyPatch, bfloat16_gain: float, has_instructions: bool = True) -> None:
    """A processor on which bfloat16 products run ``bfloat16_gain`` times as fast as float32 ones."""
    rates = {torch.bfloat16: bfloat16_gain, torch.float32: 1.0}
    monkeypatch.setattr(precision_file, "_has_bfloat16_instructions", lambda: has_instructions)
    monkeypatch.setattr(precision_file, "_rate", lambda dtype, device: rates[dtype])


@pytest.mark.parametrize(("asked", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_what_the_recipe_asks_is_not_measured(asked, dtype):
    chosen = choose_precision(asked, CPU)
    assert (chosen.dtype, chosen.name, chosen.reason) == (dtype, asked, "the recipe asks for it")


def test_a_clear_gain_chooses_bfloat16(monkeypatch):
    measured(monkeypatch, bfloat16_gain=2.0)
    chosen = choose_precision("auto", CPU)
    assert chosen.dtype is torch.bfloat16
    assert "2.0 times faster" in chosen.reason


def test_a_small_gain_is_not_worth_the_rounding(monkeypatch):
    measured(monkeypatch, bfloat16_gain=1.1)
    chosen = choose_precision("auto", CPU)
    assert chosen.dtype is torch.float32
    assert "only 1.1 times" in chosen.reason


def test_a_processor_without_the_instructions_is_not_measured(monkeypatch):
    measured(monkeypatch, bfloat16_gain=9.0, has_instructions=False)
    assert choose_precision("auto", CPU).dtype is torch.float32


@pytest.mark.parametrize(("is_supported", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_gpu_is_asked_what_it_can_do(monkeypatch, is_supported, dtype):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: is_supported)
    assert choose_precision("auto", torch.device("cuda")).dtype is dtype


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_probe_finds_a_rate(dtype):
    assert precision_file._rate(dtype, CPU) > 0


def test_the_rate_is_that_of_the_best_product_in_seconds_of_the_processor(monkeypatch):
    took = iter([0.5, 0.1, 0.3, 0.9])
    readings = iter([reading for seconds in took for reading in (0.0, seconds)])
    monkeypatch.setattr(precision_file.time, "process_time", lambda: next(readings))
    assert precision_file._rate(torch.float32, CPU) == pytest.approx(10.0)
