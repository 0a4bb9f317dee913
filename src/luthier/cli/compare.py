"""`luthier compare`: several runs on the same golden items, paired and tested together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.terminal import safe
from luthier.cli.verb import Verb, json_option

if TYPE_CHECKING:
    from luthier.evaluation.report import ComparedRuns


@click.command(
    "compare",
    cls=Verb,
    example="luthier compare runs/monday runs/tuesday --html comparison.html",
    help="Compare finished RUNS on the golden items that all of them answered: every pair, item by item, tested "
    "together (Holm). Runs that answered other items are refused.",
)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--arm", "arms", multiple=True, metavar="NAME", help="Which arm of each run; default: tuned. Repeatable.")
@click.option("--metric", metavar="NAME", help="What to compare by; default: what the runs decide by.")
@click.option("--against-first", is_flag=True, help="Only each against the first: fewer questions find smaller gaps.")
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Write a page with every item.")
@json_option("Print one JSON document instead.")
def command(
    runs: tuple[Path, ...],
    arms: tuple[str, ...],
    metric: str | None,
    against_first: bool,
    page: Path | None,
    wants_json: bool,
) -> None:
    from luthier.cli.newest_run import open_run
    from luthier.evaluation.report import render_comparison
    from luthier.runs import compare_runs

    folders = [open_run(run) for run in runs]
    compared, browser = compare_runs(folders, arms or ("tuned",), metric, only_against_first=against_first)
    if page is not None:
        _write(page, render_comparison(compared, browser))
    if wants_json:
        click.echo(json.dumps(_document(compared), indent=2, ensure_ascii=False))
        return
    click.echo(safe(table(compared)))
    if page is not None:
        click.echo(f"\npage: {page}")


def table(compared: ComparedRuns) -> str:
    """Runs with their scores, then what each pair says."""
    from luthier.evaluation.report import say_pair
    from luthier.evaluation.report.wording import bounds, capitalized, count, duration, metric_title, points

    rows = [("run", metric_title(compared.metric), "95 % interval", "tokens", "time")]
    for run in compared.runs:
        score = run.metrics[compared.metric]
        figures = points(score.mean), bounds(score.low, score.high)
        rows.append((run.title, *figures, count(run.tokens_per_request or 0), duration(run.seconds_per_request)))
    said = [say_pair(pair, compared.title_of) for pair in compared.comparisons]
    return "\n".join(
        [
            f"{len(compared.runs)} runs on the same {count(compared.items)} golden items ({compared.golden_hash})",
            "",
            *_aligned(rows),
            "",
            *(f"{pair.claim}.\n  {capitalized(pair.figures)}." for pair in said),
        ]
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first column to the left, figures to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        figures = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        lines.append("  ".join((row[0].ljust(widths[0]), *figures)).rstrip())
    return lines


def _document(compared: ComparedRuns) -> dict[str, object]:
    return {
        "metric": compared.metric,
        "golden_hash": compared.golden_hash,
        "items": compared.items,
        "runs": [run.model_dump(mode="json") for run in compared.runs],
        "comparisons": [pair.model_dump(mode="json") for pair in compared.comparisons],
    }


def _write(page: Path, text: str) -> None:
    from luthier.errors import StorageError

    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise StorageError(
            f"{page} cannot be written: {error.strerror or error}",
            expected="a file in a folder that can be written to",
            fix="choose another place: --html FILE",
        ) from None
