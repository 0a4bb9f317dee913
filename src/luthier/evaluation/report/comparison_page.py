"""The page of `luthier compare`: several runs on the same golden items, their differences, and every item."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

from luthier.evaluation.report.browser import Browser
from luthier.evaluation.report.forest import ForestRow, difference_row, draw_differences, draw_scores
from luthier.evaluation.report.page import render_page
from luthier.evaluation.report.schema import Arm, Comparison
from luthier.evaluation.report.sentences import say_pair
from luthier.evaluation.report.wording import metric_title


@dataclass(frozen=True)
class ComparedRuns:
    """Each run as one arm; ``golden_hash`` names the items all of them answered."""

    runs: tuple[Arm, ...]
    comparisons: tuple[Comparison, ...]
    metric: str
    golden_hash: str
    items: int
    luthier_version: str

    def title_of(self, name: str) -> str:
        return next((run.title for run in self.runs if run.name == name), name)


def render_comparison(compared: ComparedRuns, browser: Browser | None = None) -> str:
    """One self-contained page."""
    from markupsafe import Markup

    scored = [(run, run.metrics[compared.metric]) for run in compared.runs]
    rows = [ForestRow(run.title, "untuned", score.mean, score.low, score.high) for run, score in scored]
    gaps = [
        difference_row(f"{compared.title_of(pair.better)} − {compared.title_of(pair.worse)}", pair, sign=1)
        for pair in compared.comparisons
    ]
    title = f"Differences of runs, {metric_title(compared.metric)}"
    return render_page(
        "comparison.html.jinja",
        browser,
        compared=compared,
        report=SimpleNamespace(arms=compared.runs),
        forest=Markup(draw_scores(rows, compared.metric)),
        differences=Markup(draw_differences(gaps, title)),
        said=[say_pair(pair, compared.title_of) for pair in compared.comparisons],
    )
