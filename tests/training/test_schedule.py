"""Warm-up, the three ways down, and what "auto" means."""

import pytest

from luthier.recipe import Full, Lora
from luthier.training import Schedule, choose_learning_rate


@pytest.mark.parametrize("kind", ["cosine", "linear", "constant"])
def test_the_rate_rises_to_the_peak_in_the_warm_up(kind):
    schedule = Schedule(kind, 1.0, steps=100, warmup_steps=10)
    assert [schedule.rate(step) for step in (0, 4, 9, 10)] == pytest.approx([0.1, 0.5, 1.0, 1.0])


def test_cosine_and_linear_fall_to_nearly_zero_and_constant_stays():
    ends = {kind: Schedule(kind, 1.0, 1000, 0).rate(999) for kind in ("cosine", "linear", "constant")}
    assert ends["cosine"] < 1e-5 and ends["linear"] < 2e-3 and ends["constant"] == 1.0


def test_auto_gives_lora_ten_times_the_rate_of_full_tuning():
    lora, full = (choose_learning_rate("auto", method, 2000) for method in (Lora(), Full()))
    assert lora.peak == pytest.approx(5e-4)
    assert full.peak == pytest.approx(5e-5)


def test_wider_models_get_lower_rates():
    rates = [choose_learning_rate("auto", Lora(), width).peak for width in (256, 1024, 4096)]
    assert rates == sorted(rates, reverse=True)


def test_a_rate_in_the_recipe_is_taken_as_it_is():
    assert choose_learning_rate(3e-4, Full(), 256).peak == 3e-4
