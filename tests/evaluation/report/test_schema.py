"""report.json is what docs/report.schema.json says, survives a round trip, and refuses what makes no sense."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from luthier.errors import StorageError
from luthier.evaluation.report import Report, Score, json_schema_text, report_json, validate_report

SCHEMA = Path(__file__).parents[3] / "docs" / "report.schema.json"
REWRITE = "from luthier.evaluation.report import json_schema_text; print(json_schema_text(), end='')"


def test_the_committed_schema_is_the_generated_one():
    assert SCHEMA.read_text(encoding="utf-8") == json_schema_text(), f'python -c "{REWRITE}" > docs/report.schema.json'


def test_a_report_survives_json(report):
    assert validate_report(json.loads(report_json(report))) == report


def test_report_json_holds_every_field_of_the_schema(report):
    schema = json.loads(json_schema_text())
    assert set(json.loads(report_json(report))) == set(schema["properties"])


def test_an_unknown_field_is_named(report_data):
    report_data["ledger"]["carbon"] = 1
    with pytest.raises(StorageError, match=r"ledger\.carbon"):
        validate_report(report_data)


def test_a_comparison_with_an_arm_that_is_not_there_is_refused(report_data):
    report_data["comparisons"][0]["worse"] = "prompt"
    with pytest.raises(StorageError, match="no arm is called prompt"):
        validate_report(report_data)


def test_the_baseline_may_be_compared_with(report_data):
    report_data["comparisons"][0]["worse"] = report_data["baseline"]["name"]
    assert validate_report(report_data).comparisons[0].worse == report_data["baseline"]["name"]


def test_two_arms_may_not_share_a_name(report_data):
    report_data["arms"][1]["name"] = "few-shot"
    with pytest.raises(StorageError, match="share a name"):
        validate_report(report_data)


def test_an_interval_upside_down_is_refused():
    with pytest.raises(ValidationError, match="above high"):
        Score(mean=0.5, low=0.6, high=0.4, n=10)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_know_is_refused(report_data, value):
    report_data["preflight"]["mean_length"] = value
    with pytest.raises(StorageError, match="no form in JSON"):
        validate_report(report_data)


def test_rounding_dust_does_not_cost_a_run_its_report():
    assert Score(mean=1.0000000000000002, low=0.9, high=1.0, n=10).mean == 1.0
    with pytest.raises(ValidationError):
        Score(mean=1.1, low=0.9, high=1.2, n=10)


def test_half_an_emoji_becomes_the_replacement_character(report_data):
    report_data["items"]["best"][0]["prompt"] = "broken \ud83d here"
    report_data["preflight"]["sample"] = ["\ud83d"]
    report = validate_report(report_data)
    assert report.items.best[0].prompt == "broken \ufffd here"
    report_json(report).encode("utf-8")


def test_a_time_without_a_zone_is_refused(report_data):
    report_data["run"]["created"] = "2026-11-20T13:12:44"
    with pytest.raises(StorageError, match=r"run\.created"):
        validate_report(report_data)


def test_a_difference_is_settled_only_when_the_interval_and_the_corrected_test_agree(report: Report):
    comparison = report.comparisons[0]
    assert comparison.is_settled
    assert not comparison.model_copy(update={"adjusted_p": 0.2}).is_settled
    assert not comparison.model_copy(update={"low": -0.01}).is_settled


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, luthier.evaluation.report.write as _;"
        "print(*sorted({'torch', 'transformers', 'jinja2', 'sklearn', 'pyarrow'} & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
