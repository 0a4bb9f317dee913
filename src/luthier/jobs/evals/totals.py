"""What an eval run comes to, added up over its items: per criterion, and per model that was asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from luthier.jobs.background.station import Held
from luthier.jobs.evals.questions import is_asked
from luthier.store import Asked, EvalRun, OutputItem, evals

PORTION = 500
TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens")


def totals_of(held: Held[EvalRun]) -> dict[str, Any]:
    """Read from the items, so that a run that was carried on counts what was graded before."""
    criteria: dict[str, dict[str, Any]] = {}
    models: dict[str, dict[str, Any]] = {}
    was_asked = is_asked(held.record.data_source)
    for item in _items(held):
        if was_asked and item.sample["usage"]["total_tokens"]:
            _add_usage(models, item.sample["model"], item.sample["usage"])
        for result in item.results:
            row = {"testing_criteria": result["name"], "passed": 0, "failed": 0}
            told = criteria.setdefault(result["name"], row)
            told["passed" if result["passed"] else "failed"] += 1
            for model, usage in ((result["sample"] or {}).get("usage_per_model") or {}).items():
                _add_usage(models, model, usage)
    return {
        "per_testing_criteria_results": list(criteria.values()),
        "per_model_usage": list(models.values()),
    }


def _add_usage(models: dict[str, dict[str, Any]], model: str, usage: dict[str, int]) -> None:
    row = models.setdefault(model, {"model_name": model, "invocation_count": 0, **dict.fromkeys(TOKENS, 0)})
    row["invocation_count"] += 1
    for name in TOKENS:
        row[name] += usage.get(name, 0)


def _items(held: Held[EvalRun]) -> Iterator[OutputItem]:
    run, after = held.record, None
    while True:
        held.breathe()
        with held.station.store.database.reading() as connection:
            page = evals.page_items(connection, run.project_id, run.id, Asked(PORTION, after, "asc"))
        yield from page.items
        if not page.has_more:
            return
        after = page.items[-1].id
