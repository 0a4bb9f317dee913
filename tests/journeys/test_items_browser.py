"""The filters of the items browser, in Chromium. Collected only where there is one (see conftest.py).

A browser takes seconds to start, so one page holds the report once per link and tells what each of them shows.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from evaluation.report.conftest import REPORT_DATA
from luthier.evaluation.report import Beside, BrowsedAnswer, BrowsedItem, Browser, render_html, validate_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
SCORES = ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0))
LINKS = {
    "": [0, 2, 3, 1],
    "#items?outcome=won": [0],
    "#items?outcome=lost&sort=loss": [1],
    "#items?outcome=same": [2, 3],
    "#items?outcome=all-wrong": [3],
    "#items?outcome=right&arm=few-shot&against=tuned&search=question": [1, 2],
    "#items?search=SHOTS+3": [3],
    "#items?cut=1&arm=few-shot&sort=number": [3],
    "#items?outcome=nonsense&reference=never&sort=number": [0, 1, 2, 3],
    "#items?search=nowhere": [],
}
WATCH = """
const byHand = (page, root) => {
  const press = (key) => page.document.activeElement.dispatchEvent(
    new page.KeyboardEvent("keydown", { key, bubbles: true }));
  const at = () => [...root.querySelectorAll("article")].indexOf(page.document.activeElement);
  root.querySelector("article").focus();
  const places = [at()];
  for (const key of ["j", "j", "k", "x"]) { press(key); places.push(at()); }
  const outcome = root.querySelector("[name=outcome]");
  outcome.value = "lost";
  outcome.dispatchEvent(new page.Event("input", { bubbles: true }));
  const told = document.createElement("pre");
  const lost = [...root.querySelectorAll("h4")].map((head) => parseInt(head.textContent.replace("Item ", "")));
  told.textContent = JSON.stringify({ place: "by hand", places, lost });
  document.body.append(told);
};
for (const [place, link] of LINKS.entries()) {
  const frame = document.createElement("iframe");
  frame.src = "report.html" + link;
  frame.onload = () => {
    const root = frame.contentDocument.getElementById("browser");
    const told = document.createElement("pre");
    told.textContent = JSON.stringify({
      place,
      items: [...root.querySelectorAll("h4")].map((head) => parseInt(head.textContent.replace("Item ", ""))),
      status: root.querySelector("[role=status]").textContent,
      tuned: root.querySelector(".answer.tuned .text")?.textContent ?? null,
      hidden: root.hidden,
      bold: root.querySelectorAll("b").length,
    });
    document.body.append(told);
    if (link === "") byHand(frame.contentWindow, root);
  };
  document.body.append(frame);
}
"""
HOSTILE_ANSWER = "<script>document.title = 1</script><b>bold</b>"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What each link's page shows after its script has run."""
    folder = tmp_path_factory.mktemp("page")
    items = tuple(
        BrowsedItem(
            index,
            f"question {index}",
            f"answer {index % 2}",
            {
                "few-shot": BrowsedAnswer(f"said by shots {index}", {"field_match": base}, is_cut_off=index == 3),
                "tuned": BrowsedAnswer(HOSTILE_ANSWER, {"field_match": tuned}),
            },
        )
        for index, (tuned, base) in enumerate(SCORES)
    )
    browser = Browser(items, {"few-shot": "Base + few-shot", "tuned": "Tuned"}, "field_match", "tuned")
    page = render_html(validate_report(copy.deepcopy(REPORT_DATA)), Beside(browser))
    (folder / "report.html").write_text(page, encoding="utf-8")
    watch = WATCH.replace("LINKS", json.dumps(list(LINKS)))
    (folder / "all.html").write_text(f"<body><script>{watch}</script></body>", encoding="utf-8")
    dom = dump(folder)
    found = [
        json.loads(text) for text in re.findall(r"<pre>(.*?)</pre>", dom.replace("&lt;", "<").replace("&gt;", ">"))
    ]
    return {one["place"] if one["place"] == "by hand" else list(LINKS)[one["place"]]: one for one in found}


def dump(folder: Path) -> str:
    """The page of all links, once everything has loaded."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    flags += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=3000", "--dump-dom"]
    page = (folder / "all.html").as_uri()
    return subprocess.run([CHROMIUM, *flags, page], capture_output=True, text=True, timeout=90, check=True).stdout


@pytest.mark.parametrize(("link", "expected"), LINKS.items())
def test_a_link_filters_and_sorts(told, link, expected):
    assert told[link]["items"] == expected


def test_the_count_is_told(told):
    assert told[""]["status"] == "4 of 4 items; shown: 1 to 4"
    assert told["#items?search=nowhere"]["status"] == "No item of 4 fits these filters"


def test_what_a_model_wrote_is_shown_as_text(told):
    assert told[""]["tuned"] == HOSTILE_ANSWER
    assert told[""]["bold"] == 0


def test_the_browser_is_shown_once_its_script_runs(told):
    assert told[""]["hidden"] is False


def test_keys_go_from_item_to_item(told):
    assert told["by hand"]["places"] == [0, 1, 2, 1, 1]


def test_a_filter_chosen_by_hand_narrows_the_list(told):
    assert told["by hand"]["lost"] == [1]
