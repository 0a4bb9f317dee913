"""Items against their schema, with nothing fetched and nothing that runs for ever."""

from __future__ import annotations

import time

import pytest

from luthier.jobs.evals.item_schema import ItemChecker


def test_the_problem_is_told_with_its_place():
    checker = ItemChecker({"type": "object", "properties": {"a": {"properties": {"b": {"type": "integer"}}}}})

    assert checker.problem({"a": {"b": 1}}) is None
    assert checker.problem({"a": {"b": "x"}}) == "a.b: 'x' is not of type 'integer'"


def test_a_schema_elsewhere_is_not_fetched():
    checker = ItemChecker({"$ref": "http://127.0.0.1:9/schema.json"})

    assert checker.problem({}) == "the schema refers to what it does not hold"


def test_a_pattern_that_would_run_for_ever_is_ended():
    begin = time.monotonic()

    problem = ItemChecker({"properties": {"a": {"pattern": "^(a+)+$"}}}).problem({"a": "a" * 60 + "b"})

    assert problem and time.monotonic() - begin < 2


@pytest.mark.parametrize("schema", [{"type": "thing"}, {"properties": 1}, {"required": "a"}])
def test_what_is_no_schema_is_refused(schema):
    with pytest.raises(ValueError):
        ItemChecker(schema)


def test_pattern_properties_are_checked():
    checker = ItemChecker({"patternProperties": {"^n_": {"type": "number"}}})

    assert checker.problem({"n_a": 1, "x": "y"}) is None and checker.problem({"n_a": "1"})
