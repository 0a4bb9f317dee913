"""The same value has the same spelling and the same hash."""

from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.evaluation.tasks.canonical import canonical_json, content_hash, hash_of

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))
ROWS = st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=4), max_size=5)


def test_order_of_keys_does_not_count():
    assert canonical_json({"b": 1, "a": "ü"}) == canonical_json({"a": "ü", "b": 1}) == '{"a":"ü","b":1}'


@settings(max_examples=30)
@given(ROWS)
def test_order_of_rows_does_not_count(rows):
    assert content_hash(rows) == content_hash(rows[::-1])


@settings(max_examples=30)
@given(ROWS)
def test_a_repeated_row_counts(rows):
    assert content_hash([*rows, {"a": 1}]) != content_hash([*rows, {"a": 1}, {"a": 1}])


def test_lone_surrogates_have_a_hash():
    assert len(hash_of("\ud800")) == 64
