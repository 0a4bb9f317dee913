"""Free dictionaries become rows, and nothing in them is lost without a word."""

from __future__ import annotations

from luthier.evaluation.report.facts import as_yaml, list_facts, list_findings
from luthier.evaluation.report.wording import JOINT


def rows(data) -> list[tuple[str, str]]:
    return [(fact.label, fact.value.replace(JOINT, " ")) for fact in list_facts(data)]


def test_nested_counts_carry_the_way_to_them():
    assert rows({"length_characters": {"prompt": {"longest": 2214}}}) == [
        ("length characters › prompt › longest", "2,214")
    ]


def test_figures_of_one_kind_stand_side_by_side():
    assert rows({"rows": {"train": 600, "golden": 200}}) == [("rows", "train 600 · golden 200")]


def test_a_long_list_says_how_much_it_leaves_out():
    assert rows({"choices": list("abcdefghijklmnop")})[0][1].endswith("and 4 more")


def test_a_flood_of_values_says_how_many_are_left():
    assert rows({f"label {number}": str(number) for number in range(100)})[-1] == (
        "more",
        "40 further values in report.json",
    )


def test_many_counts_of_one_kind_say_how_many_are_left_out():
    counts = {f"label-{number}": number for number in range(77)}
    assert rows({"counts": counts})[0][1].endswith("label-11 11 · and 65 more")


def test_a_sample_stays_in_one_row():
    conflict = [{"where": "a.jsonl, line 1", "answer": "yes"}, {"where": "a.jsonl, line 9", "answer": "no"}]
    assert rows({"conflicts": {"first": [conflict]}}) == [
        ("conflicts › first › 1", "where: a.jsonl, line 1 · answer: yes / where: a.jsonl, line 9 · answer: no")
    ]


def test_many_samples_say_how_many_are_left_out():
    assert rows({"first": [{"where": str(number)} for number in range(8)]})[-1] == (
        "first",
        "and 3 more in report.json",
    )


def test_nothing_gives_no_rows():
    assert rows({}) == []


def test_empty_and_missing_values_are_named():
    assert rows({"skipped": [], "limit": None, "fold": True}) == [("skipped", "none"), ("limit", "–"), ("fold", "yes")]


def test_the_gravest_finding_comes_first():
    found = [{"severity": severity, "message": severity} for severity in ("note", "stop", "warn")]
    assert [finding.severity for finding in list_findings({"findings": found})] == ["stop", "warn", "note"]


def test_a_recipe_keeps_the_order_of_its_keys():
    assert as_yaml({"model": {"path": "é"}, "data": [1, None]}) == "model:\n  path: é\ndata:\n- 1\n- null\n"
