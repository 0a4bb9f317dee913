"""Prices: ours are examples with dates and sources; yours are checked; money is tokens or hours times them."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.advice.costs.prices import EXAMPLE_PRICES, api_money, hardware_money, read_prices, watts_of
from luthier.errors import LuthierError

OWN = """
currency: EUR
checked_on: 2026-11-01
electricity_per_kilowatt_hour: 0.5
watts_per_core: 4
hardware:
  - {name: my box, per_hour: 0, watts: 200}
apis:
  - {name: m, input: 1, output: 2}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "prices.yaml"
    file.write_text(OWN, encoding="utf-8")
    return file


def test_the_prices_that_we_bring_are_examples_with_sources_and_dates():
    prices = read_prices()
    assert prices.is_example
    text = EXAMPLE_PRICES.read_text(encoding="utf-8")
    entries = len(prices.hardware) + len(prices.apis)
    assert text.count("source:") == entries
    assert text.count("checked_on:") == entries + 1


@pytest.mark.parametrize(("machine", "name"), [("NVIDIA H100 80GB HBM3", "h100"), ("AMD EPYC 9654", "processor")])
def test_a_machine_is_known_by_its_name(machine: str, name: str):
    price = read_prices().hardware_for(machine)
    assert price and price.name == name


@pytest.mark.parametrize(
    ("model", "name"),
    [("gpt-5.4-mini-2026-03-01", "gpt-5.4-mini"), ("openai/gpt-5.4", "gpt-5.4"), ("my-model", None)],
)
def test_an_api_is_known_by_the_longest_beginning_of_the_models_name(model: str, name: str | None):
    price = read_prices().api_for(model)
    assert (price.name if price else None) == name


def test_cached_tokens_cost_less():
    price = read_prices().api_for("gpt-5.4-mini")
    assert price
    assert api_money(price, 1000, 100) == pytest.approx((1000 * 0.75 + 100 * 4.5) / 1e6)
    assert api_money(price, 1000, 100, 1000) == pytest.approx((1000 * 0.075 + 100 * 4.5) / 1e6)


def test_your_own_machine_costs_its_electricity(own: Path):
    prices = read_prices(own)
    box = prices.hardware_for("anything", "my box")
    assert box and not prices.is_example
    watts, explanation = watts_of(box, prices, cores=8)
    assert (watts, "my box" in explanation) == (200, True)
    assert hardware_money(box, prices, 3600, 8, watt_hours=200) == pytest.approx(0.1)


def test_a_price_per_core_is_multiplied_and_electricity_that_is_included_is_not_added():
    prices = read_prices()
    price = prices.hardware_for("any processor")
    assert price
    assert hardware_money(price, prices, 3600, 4, watt_hours=1e6) == pytest.approx(0.16)
    assert watts_of(None, prices, 4)[0] == 20


@pytest.mark.parametrize(
    ("line", "words"),
    [("currency: EUR\n", "currency"), ("watts_per_core: 4\n", "watts_per_core"), ("per_hour: 0", "per_hour is -1")],
)
def test_a_price_file_with_a_hole_is_refused(own: Path, line: str, words: str):
    changed = OWN.replace(line, "per_hour: -1") if "per_hour" in line else OWN.replace(line, "")
    own.write_text(changed, encoding="utf-8")
    with pytest.raises(LuthierError, match=words):
        read_prices(own)
