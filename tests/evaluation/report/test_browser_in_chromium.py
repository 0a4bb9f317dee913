"""The filters of the items browser, in Chromium. Collected only where there is one (see conftest.py)."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from luthier.evaluation.report import Beside, BrowsedAnswer, BrowsedItem, Browser, Report, render_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
SCORES = ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


def shown(folder: Path, report: Report, link: str = "") -> str:
    """The page's items after its script has run, with ``link`` behind the address."""
    items = tuple(
        BrowsedItem(
            index,
            f"question {index}",
            f"answer {index % 2}",
            {
                "few-shot": BrowsedAnswer(f"said by shots {index}", {"field_match": base}, is_cut_off=index == 3),
                "tuned": BrowsedAnswer("<script>document.title = 1</script><b>bold</b>", {"field_match": tuned}),
            },
        )
        for index, (tuned, base) in enumerate(SCORES)
    )
    browser = Browser(items, {"few-shot": "Base + few-shot", "tuned": "Tuned"}, "field_match", "tuned")
    page = folder / "report.html"
    page.write_text(render_html(report, Beside(browser)), encoding="utf-8")
    call = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [*call, "--dump-dom", f"{page.as_uri()}{link}"], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout[done.stdout.index('id="browser"') : done.stdout.index('class="fixed"')]


def numbers(dom: str) -> list[int]:
    return [int(number) for number in re.findall(r"<h4>Item (\d+)", dom)]


def test_all_items_are_shown_gains_first_and_what_models_wrote_stays_text(folder, report):
    dom = shown(folder, report)
    assert numbers(dom) == [0, 2, 3, 1]
    assert "4 of 4 items; shown: 1 to 4" in dom
    assert "&lt;script&gt;document.title = 1&lt;/script&gt;&lt;b&gt;bold&lt;/b&gt;" in dom
    assert "<b>bold" not in dom and 'id="browser" hidden' not in dom


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("outcome=won", [0]),
        ("outcome=lost&sort=loss", [1]),
        ("outcome=same", [2, 3]),
        ("outcome=all-wrong", [3]),
        ("outcome=right&arm=few-shot&against=tuned&search=question", [1, 2]),
        ("search=SHOTS+3", [3]),
        ("cut=1&arm=few-shot&sort=number", [3]),
        ("outcome=nonsense&reference=never&sort=number", [0, 1, 2, 3]),
    ],
)
def test_a_link_filters(folder, report, link, expected):
    assert numbers(shown(folder, report, f"#items?{link}")) == expected
