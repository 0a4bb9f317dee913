import random

import pytest

from luthier.evaluation.graders.checks import (
    field_share,
    fits_schema,
    is_exact,
    is_normalised,
    is_same_number,
    matches_pattern,
    numbers_in,
)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("16 - 3 = 13, so #### 18", [16, 3, 13, 18]),
        ("It costs $1,234.50.", ["1234.50"]),
        ("−3 or -4 or 16-5", [-3, -4, 16, 5]),
        ("1\u202f234\u202f567 and 1'000", [1234567, 1000]),
        ("5 100 dollar bills", [5, 100]),
        ("v1.2.3 x2 3rd H2O", []),
        ("2e3 and .5, then 7.", [2000, "0.5", 7]),
        ("1,23 and 12,345,678", [1, 23, 12345678]),
        ("-$5 or $-6", [-5, -6]),
        ("no number", []),
    ],
)
def test_numbers_are_read_as_people_write_them(text, numbers):
    assert [str(float(n)) for n in numbers_in(text)] == [str(float(n)) for n in numbers]


def test_1000_written_numbers_are_read_back():
    draw = random.Random(1)
    for _ in range(1000):
        value = draw.choice([draw.randint(-(10**9), 10**9), round(draw.uniform(-(10**6), 10**6), draw.randint(1, 4))])
        text = f"so the answer is {value:,} units" if draw.random() < 0.5 else f"Answer: {value}."
        assert [float(found) for found in numbers_in(text)] == [value]


@pytest.mark.parametrize(
    ("answer", "reference", "options", "is_right"),
    [
        ("first 5, then 18.00", "#### 18", {}, True),
        ("18 dollars for 2 days", "18", {}, False),
        ("18 dollars for 2 days", "18", {"take": "first"}, True),
        ("18 dollars for 2 days", "18", {"take": "only"}, False),
        ("3.14", "3.14159", {"tolerance": 0.01}, True),
        ("1010", "1000", {"relative_tolerance": 0.02}, True),
        ("none", "18", {}, False),
        ("1,000", "1000", {}, True),
    ],
)
def test_the_last_number_counts_unless_another_is_asked_for(answer, reference, options, is_right):
    options = {"take": "last", "tolerance": 0.0, "relative_tolerance": 1e-9} | options
    assert is_same_number(answer, reference, **options) is is_right


def test_exact_heeds_case_and_normalised_does_not():
    assert is_exact(" Café\n", "Café")
    assert not is_exact("cafe", "Cafe")
    assert is_normalised("  The CAT, sat!", "the cat sat")
    assert is_normalised("ＡＢＣ", "abc")
    assert not is_normalised("the cat", "the cats")
    assert not is_normalised("?", "!")


def test_a_schema_decides_and_nothing_is_fetched_for_it():
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}
    assert fits_schema('{"a": 1}', schema)
    assert not fits_schema('{"a": "1"}', schema)
    assert not fits_schema("no JSON", schema)
    assert not fits_schema("1", {"$ref": "http://127.0.0.1:1/schema.json"})


@pytest.mark.parametrize(
    ("answer", "fields", "share"),
    [
        ('{"a": 1, "b": {"c": 2}}', (), 1.0),
        ('{"a": 1, "b": {"c": 3}}', (), 0.5),
        ('{"a": 1.0, "b": {"c": 3}}', ("a",), 1.0),
        ('{"a": 9, "b": {"c": 2}}', ("b.c",), 1.0),
        ('{"a": true, "b": "2"}', (), 0.0),
        ("words", (), 0.0),
    ],
)
def test_fields_are_compared_by_type_and_value(answer, fields, share):
    assert field_share(answer, '{"a": 1, "b": {"c": 2}}', fields) == share


def test_a_pattern_that_explodes_is_stopped():
    assert matches_pattern("order 66", r"order \d+", False, False)
    assert not matches_pattern("order 66!", r"order \d+", True, False)
    assert matches_pattern("ORDER 66", r"order \d+", True, True)
    with pytest.raises(TimeoutError):
        matches_pattern("a" * 40 + "!", r"^(a|a|aa)+$", True, False)
