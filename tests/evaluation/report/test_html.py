"""report.html stands alone, runs nothing, and shows what users and models wrote as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from luthier.evaluation.report import render_html, validate_report

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Collects tags and attributes, and notes tags that are closed out of turn."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.misplaced: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.misplaced.append(tag)

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_verdict_is_the_first_heading_and_has_a_word_beside_its_colour(report):
    html = render_html(report)
    first = html[html.index("<body>") : html.index("<h1>")]
    assert "tuned better" in first
    assert f"<h1>{report.verdict.sentence}</h1>" in html


@pytest.mark.parametrize(
    ("decision", "band"), [("tuned better", "better"), ("no evidence", "open"), ("tuned worse", "worse")]
)
def test_each_decision_has_its_band(report_data, decision, band):
    report_data["verdict"]["decision"] = decision
    assert f'class="verdict {band}"' in render_html(validate_report(report_data))


def test_every_tag_is_closed_in_turn(report):
    page = Page(render_html(report))
    assert page.misplaced == []
    assert page.open == []


def test_the_page_asks_for_nothing_from_outside(report):
    page = Page(render_html(report))
    policy = next(meta for meta in page.all("meta") if meta.get("http-equiv"))["content"] or ""
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    sources = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert all(source and source.startswith(("#", "data:")) for source in sources)
    assert not re.search(r"https?://|url\(|@import", render_html(report))


def test_a_page_without_items_has_no_scripts_and_no_event_handlers(hostile_data):
    page = Page(render_html(validate_report(hostile_data)))
    assert page.all("script") == []
    assert page.all("img") == []
    assert [name for _, attributes in page.tags for name in attributes if name.startswith("on")] == []


def test_what_users_and_models_wrote_is_shown_as_they_wrote_it(hostile_data):
    page = Page(render_html(validate_report(hostile_data)))
    assert "<script>alert('x')</script>" in page.text
    assert page.misplaced == []


def test_every_score_stands_with_its_interval_and_count(report):
    text = re.sub(r"<[^>]+>", "", render_html(report)).replace("\u00a0", " ")
    assert "88.1 84.6 to 91.1, n = 200" in text
    assert "±" not in text


def test_the_arm_that_differs_from_the_reference_is_marked(report):
    assert "<mark>complaint</mark>" in render_html(report)


def test_an_empty_answer_is_called_empty(report):
    assert "(empty)" in render_html(report)


def test_a_long_text_folds_and_is_whole_inside(report_data):
    report_data["items"]["best"][0]["prompt"] = "word " * 400
    html = render_html(validate_report(report_data))
    assert "all 2,000 characters" in html
    assert "word " * 400 in html


def test_items_say_how_far_tuned_is_from_the_best_untuned_arm(report):
    html = render_html(report)
    assert "+50.0 against the best untuned arm" in html
    assert "\u221250.0 against the best untuned arm" in html


def test_header_cells_say_what_they_head(report):
    assert all(attributes.get("scope") in ("row", "col") for attributes in Page(render_html(report)).all("th"))


def test_headings_never_skip_a_level(report):
    levels = [int(tag[1]) for tag, _ in Page(render_html(report)).tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_ids_are_unique(report):
    ids = [attributes["id"] for _, attributes in Page(render_html(report)).tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_a_bare_report_still_makes_a_page(report_data):
    bare = {key: report_data[key] for key in ("verdict", "run", "primary_metric", "ledger")}
    bare |= {"arms": [], "overfitting": {"verdict": "not measured", "sentence": "Nothing was validated."}}
    text = Page(render_html(validate_report(bare))).text
    assert "No losses were recorded." in text
    assert "there is nothing to compare" in text
