"""The ledger: predicted beside actual, and what each arm's requests cost."""

from __future__ import annotations

import json

import pytest

from luthier.advice.costs import (
    ArmEffort,
    Bill,
    Efforts,
    Machine,
    TrainedModel,
    TrainingEffort,
    build_ledger,
    read_prices,
    shape_of,
    trained_operations,
)

CONFIG = {
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
MODEL = TrainedModel(shape_of(CONFIG), mean_tokens=50.0, head_share=0.2, lora_rank=8, recomputes=False)
BILL = Bill(Machine("AMD EPYC", cores=2), read_prices())
PREDICTED = TrainingEffort(minutes=60.0, computed_tokens=100_000, peak_memory_bytes=10**9)
ARMS = {
    "prompt": ArmEffort(900, 10, 0.5),
    "tuned": ArmEffort(100, 10, 0.1),
    "remote": ArmEffort(900, 10, 1.0, api_model="gpt-5.4-mini"),
    "unpriced": ArmEffort(900, 10, 1.0, api_model="nobody-knows"),
    "told": ArmEffort(900, 10, 1.0, api_model="nobody-knows", money=0.001),
}


def ledger(calibrated=None, **effort):
    actual = TrainingEffort(**({"minutes": 30.0, "computed_tokens": 90_000, "peak_memory_bytes": 10**9} | effort))
    return build_ledger(Efforts(PREDICTED, calibrated, actual), MODEL, ARMS, BILL, requests_per_month=1e6).as_json()


def test_it_is_json_with_everything_predicted_and_done():
    found = ledger()
    json.dumps(found)
    for side in ("predicted", "actual"):
        assert {"computed_tokens", "operations", "minutes", "peak_memory_bytes", "energy_watt_hours", "money"} <= set(
            found[side]
        )
    assert found["actual"]["money"] == pytest.approx(found["predicted"]["money"] / 2)
    assert found["actual"]["operations"] == pytest.approx(0.9 * found["predicted"]["operations"], rel=0.01)
    assert found["prices"]["are_examples"] is True


def test_what_was_foretold_after_some_steps_has_its_money_too():
    found = ledger(calibrated=TrainingEffort(45.0, 100_000, None))
    assert found["calibrated"]["money"] == pytest.approx(0.75 * found["predicted"]["money"])
    assert ledger()["calibrated"] is None


def test_energy_without_counters_is_marked_as_an_estimate():
    assert ledger()["actual"]["energy_source"] == "estimated"
    assert ledger()["actual"]["energy_watt_hours"] == pytest.approx(5.0)


def test_energy_measured_over_a_part_of_a_resumed_run_is_scaled_to_the_whole():
    found = ledger(joules=3600.0, measured_seconds=900.0)["actual"]
    assert (found["energy_source"], found["energy_watt_hours"]) == ("measured", pytest.approx(2.0))


def test_arms_cost_by_seconds_here_and_by_tokens_elsewhere():
    costs = ledger()["cost_per_1000_requests"]
    assert costs["prompt"]["money"] == pytest.approx(5 * costs["tuned"]["money"])
    assert costs["remote"]["money"] == pytest.approx((900 * 0.75 + 10 * 4.5) / 1e3)
    assert costs["unpriced"]["money"] is None and "no price" in costs["unpriced"]["source"]
    assert costs["told"]["money"] == pytest.approx(1.0)


def test_break_even_is_told_for_every_priced_arm():
    found = ledger()["break_even"]
    assert set(found) == {"prompt", "remote", "told"}
    assert found["remote"]["requests"] > 0


def test_a_model_whose_operations_cannot_be_counted_leaves_them_out():
    found = build_ledger(Efforts(PREDICTED, None, PREDICTED), None, ARMS, BILL).as_json()
    assert found["actual"]["operations"] is None


def test_operations_grow_with_the_tokens():
    once, twice = (trained_operations(MODEL, tokens) for tokens in (50_000, 100_000))
    assert twice == 2 * once
