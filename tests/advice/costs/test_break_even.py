"""When tuning has paid for itself, and when it never does."""

import pytest

from luthier.advice.costs.break_even import break_even


def test_training_is_paid_for_by_what_each_request_saves():
    (found,) = break_even(10.0, 0.5, {"few-shot": 2.5}, "USD", requests_per_month=1000)
    assert found.requests == 5000
    assert found.months == pytest.approx(5.0)
    assert found.saved_per_1000_requests * found.requests / 1000 >= found.training_cost
    assert "5,000 requests, after 5.0 months" in found.sentence


@pytest.mark.parametrize("other", [0.5, 0.1])
def test_tuning_never_pays_where_its_requests_are_no_cheaper(other: float):
    (found,) = break_even(10.0, 0.5, {"prompt": other}, "USD")
    assert found.requests is None
    assert "never" in found.sentence


def test_a_part_of_a_request_counts_as_one():
    (found,) = break_even(1.0, 0.0, {"rag": 3.0}, "USD")
    assert found.requests == 334
