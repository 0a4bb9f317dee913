"""The forest plots are well-formed, stay inside their frame and say in words what they show."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.evaluation.report import validate_report
from luthier.evaluation.report.forest import ForestRow, difference_plot, draw_differences, forest_plot

SHARES = st.floats(-1, 1)


def places(svg: ElementTree.Element) -> list[float]:
    names = ("x", "x1", "x2", "cx")
    texts = [element.get(name, "") for element in svg.iter() for name in names]
    return [float(text[:-1]) for text in texts if text.endswith("%")]


def test_every_arm_and_the_baseline_have_a_row(report):
    svg = ElementTree.fromstring(forest_plot(report))
    assert [group.get("class") for group in svg.iter("g")] == ["untuned", "tuned", "classical"]


def test_the_forest_plot_speaks_for_those_who_cannot_see_it(report):
    svg = ElementTree.fromstring(forest_plot(report))
    assert svg.get("role") == "img"
    assert "Tuned 88.1, 84.6 to 91.1" in (svg.findtext("desc") or "")


def test_an_arm_without_the_primary_metric_has_no_row(report):
    arm = report.arms[0].model_copy(update={"metrics": {}})
    svg = ElementTree.fromstring(forest_plot(report.model_copy(update={"arms": (arm, report.arms[1])})))
    assert "Base + few-shot" not in "".join(svg.itertext())


def test_intervals_never_leave_the_frame(report):
    assert all(0 <= place <= 100 for place in places(ElementTree.fromstring(forest_plot(report))))


def test_equal_scores_still_draw(report):
    arms = tuple(
        arm.model_copy(update={"metrics": {"field_match": report.arms[1].metrics["json_valid"]}}) for arm in report.arms
    )
    ElementTree.fromstring(forest_plot(report.model_copy(update={"arms": arms, "baseline": None})))


def test_differences_are_tuned_minus_the_other_whoever_is_better(report_data):
    report_data["comparisons"][0] |= {"better": "few-shot", "worse": "tuned"}
    svg = ElementTree.fromstring(difference_plot(validate_report(report_data)))
    assert "against Base + few-shot \u221242.9, \u221248.6 to \u221237.1" in (svg.findtext("desc") or "")
    assert [group.get("class") for group in svg.iter("g")] == ["worse"]


def test_an_open_difference_is_drawn_as_open(report_data):
    report_data["comparisons"][0] |= {"low": -0.1}
    svg = ElementTree.fromstring(difference_plot(validate_report(report_data)))
    assert [group.get("class") for group in svg.iter("g")] == ["open"]


def test_without_comparisons_there_is_no_drawing(report):
    assert difference_plot(report.model_copy(update={"comparisons": ()})) == ""


@given(st.lists(st.tuples(SHARES, SHARES, SHARES).map(sorted), min_size=1, max_size=5))
def test_any_differences_stay_within_the_frame_and_the_line_at_zero_too(bounds):
    rows = [ForestRow("a < b", "open", mean, low, high) for low, mean, high in bounds]
    svg = ElementTree.fromstring(draw_differences(rows, "differences"))
    assert all(0 <= place <= 100 for place in places(svg))
    assert [line.get("class") for line in svg.iter("line")].count("zero") == 1


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", "a" * 80])
def test_titles_are_escaped_and_shortened(title):
    drawn = draw_differences([ForestRow(title, "open", 0.0, -0.1, 0.1)], "differences")
    ElementTree.fromstring(drawn)
    assert "<script" not in drawn
