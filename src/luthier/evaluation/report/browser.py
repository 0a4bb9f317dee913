"""The items browser: every golden item with every answer, as JSON that the page's own script filters and shows.

Items whose texts would make the page too heavy are left out, the least telling first, and the page says how many.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from luthier.evaluation.report.fields import json_value

MOST_CHARACTERS = 8_000_000
LONGEST_TEXT = 20_000
# Within a script element these could end it or open a comment; U+2028 and U+2029 end a line of script.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True)
class BrowsedAnswer:
    """What one arm answered; a score per metric, each between 0 and 1."""

    text: str
    scores: Mapping[str, float]
    is_cut_off: bool = False


@dataclass(frozen=True)
class BrowsedItem:
    """``answers`` by the names of the arms; ``index`` is the place in the golden set."""

    index: int
    prompt: str
    reference: str
    answers: Mapping[str, BrowsedAnswer]


@dataclass(frozen=True)
class Browser:
    """``focus`` is the arm that others are held against at first; ``titles`` are the arms' names for people."""

    items: tuple[BrowsedItem, ...]
    titles: Mapping[str, str]
    metric: str
    focus: str


def browser_json(browser: Browser, most_characters: int = MOST_CHARACTERS) -> str:
    """Safe between `<script type="application/json">` and its end."""
    kept = _kept(browser, most_characters)
    metrics = list(dict.fromkeys([browser.metric, *(m for i in kept for a in i.answers.values() for m in a.scores)]))
    document = {
        "arms": [{"name": name, "title": title} for name, title in browser.titles.items()],
        "metrics": metrics,
        "metric": browser.metric,
        "focus": browser.focus,
        "total": len(browser.items),
        "items": [_item(item, list(browser.titles), metrics) for item in kept],
    }
    text = json.dumps(json_value(document), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return "".join(_ESCAPES.get(character, character) for character in text)


def _kept(browser: Browser, most_characters: int) -> list[BrowsedItem]:
    """All in their order, or as many as fit of those on which the focus and the others differ most."""
    if sum(map(_weight, browser.items)) <= most_characters:
        return list(browser.items)
    room, kept = most_characters, []
    for item in sorted(browser.items, key=lambda item: (-_spread(item, browser), item.index)):
        room -= _weight(item)
        if room < 0:
            break
        kept.append(item)
    return sorted(kept, key=lambda item: item.index)


def _weight(item: BrowsedItem) -> int:
    return len(item.prompt) + len(item.reference) + sum(len(answer.text) for answer in item.answers.values()) + 100


def _spread(item: BrowsedItem, browser: Browser) -> float:
    scores = [answer.scores[browser.metric] for answer in item.answers.values() if browser.metric in answer.scores]
    return max(scores) - min(scores) if scores else 0.0


def _item(item: BrowsedItem, arms: Sequence[str], metrics: Sequence[str]) -> dict[str, object]:
    """Answers in the order of the arms, null where an arm has none."""
    answers = []
    for arm in arms:
        answer = item.answers.get(arm)
        scores = [answer.scores.get(metric) for metric in metrics] if answer else []
        answers.append([_cut(answer.text), scores, int(answer.is_cut_off)] if answer else None)
    return {"i": item.index, "p": _cut(item.prompt), "r": _cut(item.reference), "a": answers}


def _cut(text: str) -> str:
    left = len(text) - LONGEST_TEXT
    return text if left <= 0 else f"{text[:LONGEST_TEXT]}… ({left:,} more characters in the run folder)"
