"""JSON is read as strictly as the program behind the model would read it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.evaluation.json_answers import is_same_json, parse_object

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_an_object_survives_writing_and_reading(value: dict[str, object]):
    found = parse_object(json.dumps(value))
    assert found is not None and is_same_json(found, json.loads(json.dumps(value)))


@pytest.mark.parametrize(
    "text",
    ["", "[1]", '"a"', "null", '{"a": NaN}', '```json\n{"a": 1}\n```', '{"a": 1} Hope this helps!', "{'a': 1}"],
)
def test_what_is_not_an_object_and_nothing_else_is_refused(text: str):
    assert parse_object(text) is None


def test_endless_nesting_and_endless_numbers_are_refused_rather_than_a_crash():
    assert parse_object("[" * 200_000) is None
    assert parse_object('{"a": ' + "9" * 10_000 + "}") is None


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1.0, True),
        (True, 1, False),
        (False, 0, False),
        ("1", 1, False),
        (None, False, False),
        ([1, 2], [2, 1], False),
        ({"a": [1.0]}, {"a": [1]}, True),
        ({"a": True}, {"a": 1}, False),
        ("caf\u00e9", "cafe\u0301", True),
    ],
)
def test_types_count_but_the_spelling_of_a_number_does_not(left: object, right: object, same: bool):
    assert is_same_json(left, right) is same
