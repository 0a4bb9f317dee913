"""The golden items of a run as the report shows them: some side by side, and all of them for the browser."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from luthier.evaluation import ArmResult
from luthier.evaluation import report as pages
from luthier.runs.arms.arm import Judging
from luthier.runs.folder import RunFolder

SHOWN_ITEMS = 10
TUNED = "tuned"
_TUNED_ARMS = ("tuned", "tuned-rag")


def shown_items(results: Sequence[ArmResult], judging: Judging) -> pages.Items:
    """Where tuning helped most and hurt most, against the best untuned answer to the same item."""
    tuned = next((result for result in results if result.name == TUNED), None)
    others = [result for result in results if result.name not in _TUNED_ARMS]
    if tuned is None or not others:
        return pages.Items()
    metric = judging.primary_metric
    gain = [
        tuned.scores[metric][i] - max(other.scores[metric][i] for other in others) for i in range(len(judging.golden))
    ]
    order = sorted(range(len(gain)), key=lambda i: (-gain[i], -tuned.scores[metric][i], i))
    best, worst = order[:SHOWN_ITEMS], [i for i in order[::-1] if i not in order[:SHOWN_ITEMS]][:SHOWN_ITEMS]
    return pages.Items(
        best=tuple(_item(i, results, judging) for i in best), worst=tuple(_item(i, results, judging) for i in worst)
    )


def browse_run(folder: RunFolder, arms: Sequence[pages.Arm], metric: str) -> pages.Browser | None:
    """Every item with every answer, from the arms' own files; None where there are none."""
    found = {arm.name: rows for arm in arms if (rows := answered_rows(folder, arm.name))}
    titles = {arm.name: arm.title for arm in arms if arm.name in found}
    focus = TUNED if TUNED in titles else next(iter(titles), "")
    items = browsed_items(found)
    return pages.Browser(items, titles, metric, focus) if items else None


def answered_rows(folder: RunFolder, arm: str) -> list[dict[str, Any]]:
    """The lines of `evaluation/<arm>.jsonl`; empty where the arm did not answer."""
    file = folder.answers(arm)
    if not file.is_file():
        return []
    # Not splitlines(): an answer may hold line separators (U+2028, U+0085), which JSON leaves as they are.
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def browsed_items(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[pages.BrowsedItem, ...]:
    """Rows of several arms (or runs) that answered the same items in the same order, joined item by item."""
    names = list(found)
    return tuple(
        pages.BrowsedItem(
            index=rows[0]["index"],
            prompt=said(rows[0]["input"]),
            reference=rows[0]["reference"],
            answers={name: _browsed(row) for name, row in zip(names, rows, strict=True)},
        )
        for rows in zip(*found.values(), strict=False)
    )


def said(messages: Sequence[Mapping[str, Any]]) -> str:
    """The turns of a prompt as one text; the user's own need no name."""
    return "\n\n".join(_turns(messages))


def _turns(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        content = message.get("content")
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        yield text if message["role"] == "user" else f"[{message['role']}] {text}"


def _browsed(row: Mapping[str, Any]) -> pages.BrowsedAnswer:
    return pages.BrowsedAnswer(row["answer"], row["scores"], row.get("finish_reason") == "length")


def _item(index: int, results: Sequence[ArmResult], judging: Judging) -> pages.Item:
    example = judging.golden[index]
    answers = {
        result.name: pages.ItemAnswer(
            text=result.answers[index].text, score=result.scores[judging.primary_metric][index]
        )
        for result in results
    }
    prompt = said([message.as_json() for message in example.prompt])
    return pages.Item(index=index, prompt=prompt, reference=example.answer.content, answers=answers)
