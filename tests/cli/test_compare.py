"""`luthier compare` as a user sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finished import write_run

GOOD = [1.0] * 18 + [0.0] * 2
POOR = [0.0] * 14 + [1.0] * 6


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    good = write_run(tmp_path / "good", {"base": POOR, "tuned": GOOD})
    return good, write_run(tmp_path / "poor", {"base": POOR, "tuned": POOR})


def test_the_table_names_scores_intervals_and_what_is_settled(call, runs):
    outcome = call("compare", *runs)
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0].startswith("2 runs on the same 20 golden items (")
    assert lines[2].split() == ["run", "exact", "match", "95", "%", "interval", "tokens", "time"]
    assert lines[3].startswith("good") and "90.0" in lines[3] and "500 ms" in lines[3]
    assert "good scores 60.0 points above poor." in lines


def test_json_holds_the_same(call, runs):
    document = json.loads(call("compare", *runs, "--json").out)
    assert document["items"] == 20
    assert document["comparisons"][0]["better"] == "good"


def test_the_page_stands_alone_and_holds_every_item(call, runs, tmp_path):
    page = tmp_path / "pages" / "comparison.html"
    outcome = call("compare", *runs, "--html", page)
    assert outcome.out.splitlines()[-1] == f"page: {page}"
    html = page.read_text(encoding="utf-8")
    assert "question 19" in html and "good − poor" in html
    assert "http://" not in html and "https://" not in html


def test_other_golden_items_are_refused(call, runs, tmp_path):
    other = write_run(tmp_path / "other", {"tuned": [1.0]})
    outcome = call("compare", runs[0], other)
    assert outcome.code == 3
    assert "it lacks 19 of 20 and has 0 others" in outcome.err


def test_arms_of_one_run(call, runs):
    assert (
        "good, tuned scores 60.0 points above good, base."
        in call("compare", runs[0], "--arm", "tuned", "--arm", "base").out
    )
