"""What a request takes, and what it costs where a price is known."""

import pytest

from luthier.evaluation import Answer, request_cost
from luthier.recipe import TokenPrice

ANSWERS = [Answer("a", 1000, 100, 2.0, cached_tokens=400), Answer("b", 3000, 300, 4.0)]


def test_tokens_seconds_and_looking_up_are_means_per_request():
    cost = request_cost(ANSWERS, lookup_seconds=1.0)
    assert (cost.requests, cost.prompt_tokens, cost.completion_tokens, cost.cached_tokens) == (2, 2000, 200, 200)
    assert (cost.seconds, cost.lookup_seconds) == (3.5, 0.5)
    assert cost.money is None and cost.currency is None


def test_money_follows_the_price_of_a_million_tokens():
    price = TokenPrice(input=2.0, output=10.0, cached_input=1.0, currency="EUR")
    cost = request_cost(ANSWERS, price=price)
    assert cost.money == pytest.approx((1800 * 2 + 200 * 1 + 200 * 10) / 1e6)
    assert cost.currency == "EUR"


def test_without_a_price_of_their_own_cached_tokens_cost_as_much():
    assert request_cost(ANSWERS, price=TokenPrice(input=2.0, output=0.0)).money == pytest.approx(2000 * 2 / 1e6)
