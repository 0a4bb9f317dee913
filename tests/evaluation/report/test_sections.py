"""Each part that a stage leaves is shown where it is there, and missed by nobody where it is not."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import ValidationError

from luthier.evaluation.report import Beside, Forgetting, render_card, render_html, report_json, validate_report

HEADINGS = {"advice": "Advice", "forgetting": "Forgetting", "licence": "Licence"}


def text_of(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html[html.index("<body>") :]).replace("\u00a0", " ")


@pytest.mark.parametrize("part", HEADINGS)
def test_a_part_that_is_there_has_a_section_and_a_link_to_it(full_data, part):
    html = render_html(validate_report(full_data))
    assert f'<section id="{part}">' in html
    assert f'<a href="#{part}">{HEADINGS[part]}</a>' in html


@pytest.mark.parametrize("part", HEADINGS)
def test_a_part_that_is_missing_leaves_no_trace(full_data, part):
    full_data[part] = None
    html = render_html(validate_report(full_data))
    assert f'id="{part}"' not in html and f'href="#{part}"' not in html


def test_a_full_report_survives_json(full_data):
    report = validate_report(full_data)
    assert validate_report(json.loads(report_json(report))) == report


def test_what_a_later_version_of_a_stage_adds_is_passed_over():
    found = {"verdict": "green", "sentence": "Nothing is lost.", "phase_of_the_moon": "new"}
    assert Forgetting.model_validate(found).verdict == "green"


def test_a_colour_that_nobody_knows_is_refused(full_data):
    full_data["forgetting"]["measures"][0]["colour"] = "violet"
    with pytest.raises(ValidationError):
        Forgetting.model_validate(full_data["forgetting"])


def test_forgetting_stands_at_the_top_and_in_a_table_with_its_limits(full_data):
    html = render_html(validate_report(full_data))
    assert html.index('<span class="colour red">red</span>') < html.index('<section id="scores">')
    said = text_of(html)
    assert "×2.01 (×1.52 to ×2.66)" in said
    assert "amber ×1.50, red ×2.00" in said
    assert "11 generic items were won by tuning, 9 lost." in said
    assert "Replay: mix general rows in." in said


def test_what_was_not_judged_is_said_in_words_and_not_by_colour_alone(full_data):
    full_data["forgetting"]["measures"][0] |= {"colour": "grey"}
    assert '<span class="colour grey">not judged</span>' in render_html(validate_report(full_data))


def test_flips_show_question_and_both_answers(full_data):
    said = text_of(render_html(validate_report(full_data)))
    assert "Write about a market." in said and "lost, instruction, en" in said and "An answer that passes" in said


def test_gaps_between_the_sets_are_shown_with_the_base_beside(full_data):
    said = text_of(render_html(validate_report(full_data)))
    assert "0.136 (0.130 to 0.142)" in said and "The base’s gap" in said


def test_the_ledger_shows_operations_energy_money_and_break_even(full_data):
    said = text_of(render_html(validate_report(full_data)))
    assert "2.38 tera" in said and "0.0667 Wh" in said and "Energy, measured" in said
    assert "1,270 requests" in said and "example prices" in said


def test_a_ledger_without_costs_has_no_table_of_requests(report):
    assert "1,000 requests of each arm" not in render_html(report)


def test_the_licence_shows_uses_duties_and_what_is_not_known(full_data):
    said = text_of(render_html(validate_report(full_data)))
    assert "with duties To use it commercially" in said
    assert "Give a copy of the licence along." in said and "label without text" in said


def test_the_card_holds_duties_notice_advice_and_cost(full_data):
    card = render_card(validate_report(full_data))
    assert "- Give a copy of the licence along. (apache-2.0/4a, https://example.org/licence)" in card
    assert "> This model was made by tuning." in card
    assert "## Advice\n\nTune: tuned 88.1." in card
    assert "| Tuned | 0.0008 USD | 90,000 + 10,000 | 33 s |" in card


def test_retrieval_is_told_with_its_count(full_data):
    said = text_of(render_html(validate_report(full_data)))
    assert "the right passage was among the 3 looked up for 90.0 % of 120 items, the first one for 80.0 %" in said


def test_choices_made_on_validation_rows_are_listed(full_data):
    said = text_of(render_html(validate_report(full_data)))
    assert "plain 1.0 (n = 32); firm 2.0 (n = 24)" in said


def test_the_advice_is_drawn_and_also_written(full_data):
    html = render_html(validate_report(full_data), Beside(advice_path="<svg><title>path</title></svg>"))
    assert "<svg><title>path</title></svg>" in html
    assert "May and can the model be tuned?" in html


def test_hostile_text_in_every_part_stays_text(full_data, hostile):
    full_data["forgetting"] |= {"sentence": hostile, "remedies": [hostile]}
    full_data["forgetting"]["measures"][0] |= {"name": hostile, "sentence": hostile}
    full_data["forgetting"]["flips"]["items"][0] |= {"question": hostile, "base": hostile, "tuned": hostile}
    full_data["licence"]["duties"][0] |= {"sentence": hostile, "quote": hostile, "source": hostile}
    full_data["licence"] |= {"notice": hostile, "unknown": [hostile]}
    full_data["advice"]["path"][0] |= {"question": hostile, "found": hostile, "went": hostile}
    full_data["advice"] |= {"sentence": hostile, "would_change": [hostile]}
    full_data["arms"][0]["retrieval"] |= {"looked_up_in": hostile}
    full_data["ledger"]["prices"] |= {"currency": hostile}
    report = validate_report(full_data)
    html, card = render_html(report), render_card(report)
    assert "<script" not in html and "<img" not in html
    assert "<script" not in re.sub(r"---\n.*?---\n|```.*?```", "", card, flags=re.DOTALL)
