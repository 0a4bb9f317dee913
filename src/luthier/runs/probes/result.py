"""The end of a probe: curves through all points, forecasts with their minutes, the sentence, and the drawing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from luthier.evaluation import (
    CurvePoint,
    MoreRows,
    RowsForecast,
    choices_for,
    curve_svg,
    curve_text,
    drawn_curve,
    fit_loss_curve,
    fit_score_curve,
    forecast_rows,
    judge_more_rows,
)
from luthier.recipe import Recipe
from luthier.runs.prepare import PreparedData
from luthier.runs.probes.folder import ProbeFolder
from luthier.runs.probes.plan import ProbeJob, steps_for

POINT_PARTS = ("rows", "seed", "steps", "score", "items", "loss", "loss_error", "tokens_per_second")
MULTIPLES = {"full": 1, "double": 2, "fivefold": 5}


def write_probe(folder: ProbeFolder, recipe: Recipe, data: PreparedData, jobs: Sequence[ProbeJob]) -> str:
    """Leave `probe.json` and `curve.svg`; returns the sentence."""
    found = [point for job in jobs if (point := folder.point(job.name)) is not None]
    all_rows, target = len(data.train), recipe.evaluation.advice.target_score
    points = curve_points(found)
    score = fit_score_curve(points, guess_of(data, recipe))
    loss = fit_loss_curve(points, len(data.validation))
    forecast = {
        name: forecast_rows(score, loss, times * all_rows, all_rows, _minutes(recipe, times, all_rows, found))
        for name, times in MULTIPLES.items()
    }
    verdict = judge_more_rows(forecast["full"], forecast["double"], forecast["fivefold"], target)
    drawn = drawn_curve(points, score, [forecast[name] for name in MULTIPLES])
    result = _document(recipe, found, forecast, verdict, all_rows)
    shown = {"curve": [list(knot) for knot in drawn.knots], "drawing": curve_text(drawn)}
    folder.write_result({**result, **shown}, curve_svg(drawn))
    return verdict.sentence


def curve_points(found: Sequence[dict[str, Any]]) -> list[CurvePoint]:
    names = ("rows", "seed", "score", "items", "loss", "loss_error")
    return [CurvePoint(**{name: point[name] for name in names}) for point in found]


def guess_of(data: PreparedData, recipe: Recipe) -> float:
    """The score of always giving the most frequent answer, where answers are a closed set."""
    if not choices_for(recipe.evaluation, data.kind):
        return 0.0
    counts = Counter(example.answer.content.strip() for example in data.train)
    return counts.most_common(1)[0][1] / len(data.train)


def _speed(found: Sequence[dict[str, Any]]) -> float | None:
    """Tokens per second, measured with company on the base."""
    speeds = [point["tokens_per_second"] for point in found if point["tokens_per_second"]]
    return median(speeds) if speeds else None


def _minutes(recipe: Recipe, times: int, all_rows: int, found: Sequence[dict[str, Any]]) -> float | None:
    """Of one training on ``times`` as many rows as there are, without its evaluation."""
    speed = _speed(found)
    if speed is None:
        return None
    rows_seen = steps_for(recipe, times * all_rows, all_rows) * recipe.training.batch_examples
    return rows_seen * found[-1]["tokens_per_row"] / speed / 60


def _document(
    recipe: Recipe,
    found: Sequence[dict[str, Any]],
    forecast: dict[str, RowsForecast],
    verdict: MoreRows,
    all_rows: int,
) -> dict[str, Any]:
    return {
        **verdict.as_json(),
        "metric": found[0]["metric"],
        "rows": all_rows,
        "points": [{name: point[name] for name in POINT_PARTS} for point in found],
        "forecast": {name: each.as_json() for name, each in forecast.items()},
        "cost": {"tokens_per_second": _speed(found), "tokens_per_row": found[-1]["tokens_per_row"]},
        "held_equal": {
            "batch_examples": recipe.training.batch_examples,
            "epochs": recipe.training.epochs,
            "least_steps": min(point["steps"] for point in found),
            "learning_rate": recipe.training.learning_rate,
            "schedule": recipe.training.schedule,
        },
    }
