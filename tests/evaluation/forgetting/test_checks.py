"""Each check accepts what it asks for and nothing near it."""

import pytest

from luthier.evaluation.forgetting.checks import (
    AllOf,
    Check,
    Contains,
    Equals,
    JsonEquals,
    Matches,
    Number,
    Verbatim,
    Without,
    Words,
    passes,
)

CASES: list[tuple[Check, str, bool]] = [
    (Equals(("Paris",)), ' "Paris." ', True),
    (Equals(("Paris",)), "paris", False),
    (Equals(("Paris",), ignores_case=True), "PARIS!", True),
    (Equals(("Paris",)), "It is Paris", False),
    (Equals(("mañana",)), "man\u0303ana", True),
    (Verbatim("50 % of x."), "50 % of x.\n", True),
    (Verbatim("50 % of x."), "50 % of x", False),
    (Number(1234), "That makes 1,234.", True),
    (Number(12), "12 or 13", False),
    (Number(-3), "\u22123", True),
    (Number(3), "three", False),
    (Contains(("a", "b")), "xaxb", True),
    (Contains(("a", "b")), "xa", False),
    (Matches(r"\A\d+\Z"), "42", True),
    (Matches(r"\A\d+\Z"), "42 x", False),
    (JsonEquals({"a": 1}), '{"a": 1.0}', True),
    (JsonEquals({"a": 1}), '```{"a": 1}```', False),
    (Words(2, 3), "one two three", True),
    (Words(2, 3), "one", False),
    (Without(("e",)), "sun", True),
    (Without(("e",)), "SEA", False),
    (Without(("e",)), "", False),
    (AllOf((Words(1, 1), Matches("a"))), "a", True),
    (AllOf((Words(1, 1), Matches("a"))), "a b", False),
]


@pytest.mark.parametrize(("check", "answer", "is_right"), CASES)
def test_a_check_knows_right_from_nearly_right(check: Check, answer: str, is_right: bool):
    assert passes(check, answer) is is_right
