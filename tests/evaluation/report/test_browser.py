"""The items browser carries every item safely; that its filters work is tried in a real browser, where there is one."""

from __future__ import annotations

import json
import re

import pytest

from luthier.evaluation.report import Beside, BrowsedAnswer, BrowsedItem, Browser, render_html
from luthier.evaluation.report.browser import browser_json

TITLES = {"base": "Base as it is", "tuned": "Tuned"}


def browser_of(*texts: str) -> Browser:
    items = tuple(
        BrowsedItem(
            i, text, "yes", {"base": BrowsedAnswer(text, {"m": 0.0}), "tuned": BrowsedAnswer("yes", {"m": 1.0})}
        )
        for i, text in enumerate(texts)
    )
    return Browser(items, TITLES, "m", "tuned")


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!--<script>", "]]>", "\u2028", "\ud83d", "\x00"]
)
def test_no_text_ends_the_script_that_carries_it(text):
    written = browser_json(browser_of(text))
    assert not re.search("[<>&\u2028\u2029]", written)
    assert json.loads(written)["items"][0]["p"] == text.replace("\ud83d", "\ufffd")


def test_the_page_holds_one_block_of_data_and_one_script_named_in_its_policy(report, hostile):
    html = render_html(report, Beside(browser_of(hostile, "a question")))
    assert len(re.findall("<script", html)) == len(re.findall("</script>", html)) == 2
    assert re.search(r"script-src &#39;sha256-[\w+/]{43}=&#39;|script-src 'sha256-[\w+/]{43}='", html)
    data = re.search(r'<script type="application/json" id="items-data">(.*?)</script>', html, re.DOTALL)
    assert data and json.loads(data[1])["items"][0]["p"] == hostile


def test_without_items_the_page_has_no_script_and_allows_none(report):
    html = render_html(report)
    assert "<script" not in html and "script-src" not in html


def test_the_best_and_worst_items_stay_for_paper_and_for_browsers_without_scripts(report):
    html = render_html(report, Beside(browser_of("a question")))
    assert "Where tuning helped most" in html and '<div id="browser" hidden>' in html


def test_where_all_items_are_too_heavy_the_most_telling_stay_and_the_rest_is_counted():
    same = BrowsedAnswer("no", {"m": 0.0})
    dull = BrowsedItem(0, "x" * 500, "yes", {"base": same, "tuned": same})
    browser = Browser((dull, *browser_of("a", "b").items), TITLES, "m", "tuned")
    document = json.loads(browser_json(browser, most_characters=400))
    assert [item["p"] for item in document["items"]] == ["a", "b"]
    assert document["total"] == 3


def test_an_endless_text_is_cut_and_says_by_how_much():
    document = json.loads(browser_json(browser_of("x" * 30_000)))
    assert document["items"][0]["p"].endswith("(10,000 more characters in the run folder)")


def test_an_arm_that_did_not_answer_an_item_has_none():
    item = BrowsedItem(0, "a", "yes", {"base": BrowsedAnswer("no", {"m": 0.0}, is_cut_off=True)})
    document = json.loads(browser_json(Browser((item,), TITLES, "m", "base")))
    assert document["items"][0]["a"] == [["no", [0.0], 1], None]
