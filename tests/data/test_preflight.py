"""Preflight counts what is there and says what is wrong."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from luthier.data import BadRow, Rows, Splits, preflight
from luthier.data.preflight import find_conflicts, percentiles
from luthier.examples import Origin


def messages(result, severity):
    return [finding["message"] for finding in result["findings"] if finding["severity"] == severity]


def test_counts_are_json_and_add_up(ask):
    train = tuple(ask(f"question {number}", "abc"[number % 3]) for number in range(60))
    golden = tuple(ask(f"other {number}", "abc"[number % 3]) for number in range(120))
    bad = BadRow(Origin("f", 3), "x", "y", "z")

    result = preflight(Splits(train, (), golden), Rows(train, "chat", "f", (bad,), ("'id' is not used (3 rows)",)))

    assert json.loads(json.dumps(result)) == result
    assert result["rows"] == {"train": 60, "validation": 0, "golden": 120}
    assert result["roles"] == {"user": 180, "assistant": 180}
    assert result["answers"]["choices"] == ["a", "b", "c"]
    assert result["bad_rows"]["first"][0]["where"] == "f, line 3"
    assert "1 row could not be read and was left out" in messages(result, "warn")
    assert "f: 'id' is not used (3 rows)" in messages(result, "note")


def test_one_input_with_two_answers_is_a_conflict(ask):
    rows = [ask("a", "x"), ask("A ", "y"), ask("b", "x"), ask("b", "x")]

    assert find_conflicts(rows) == [[rows[0], rows[1]]]
    assert preflight(Splits(tuple(rows), (), ()))["conflicting_answers"]["rows"] == 2


def test_no_golden_rows_stop_a_run(ask):
    assert messages(preflight(Splits((ask("a"),), (), ())), "stop")


def test_answers_that_are_all_the_same_are_a_warning(ask):
    train = tuple(ask(f"q{number}", "x") for number in range(60))

    assert any(
        "every training answer is the same" in said for said in messages(preflight(Splits(train, (), ())), "warn")
    )


def test_rare_and_unseen_choices_are_named(ask):
    train = tuple(ask(f"q{number}", "rare" if number == 0 else "common") for number in range(60))
    golden = (ask("g", "new"),)

    said = messages(preflight(Splits(train, (), golden)), "warn")

    assert any("'rare'" in sentence for sentence in said)
    assert any("'new'" in sentence for sentence in said)


@given(st.lists(st.integers(0, 1000), min_size=1))
def test_at_least_the_named_share_of_rows_is_no_longer_than_a_percentile(lengths):
    result = percentiles(lengths)

    for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)):
        assert result[name] in lengths
        assert sum(length <= result[name] for length in lengths) >= share * len(lengths)
