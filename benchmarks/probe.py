"""Do the forecasts of `luthier probe` hold? From at most 400 rows to the score measured at 3,200, on BANKING77.

    python -m benchmarks.probe --train FOLDER/train.jsonl.gz --golden FOLDER/test.jsonl.gz

Each repetition draws other 3,200 training rows and other 1,000 golden ones, probes them with all settings on their
defaults, then trains once on all 3,200 with a seed that no probe used. It holds when the 95 % interval of the forecast
contains what that training measures. The bar is 8 of 10. Stop it whenever you like: the same command goes on, also in
the middle of a training.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from luthier.recipe import Recipe, dump_recipe
from luthier.runs import ProbeFolder, RunFolder, probe
from luthier.runs.prepare import load_prepared
from luthier.runs.probes.plan import job_of
from luthier.runs.probes.probe import measure_jobs

RESULTS = Path(__file__).parent / "results"
ROWS, GOLDEN, REPETITIONS, BAR = 3_200, 1_000, 10, 8
# Seeds of the probes are 0, 1 and 2.
MEASURED_SEED = 1_000


def recipe_of(arguments: argparse.Namespace, repetition: int) -> Recipe:
    data = {
        "train": str(arguments.train.resolve()),
        "golden": str(arguments.golden.resolve()),
        "columns": {"prompt": "text", "completion": "label"},
        "validation_fraction": 0.04,
        "max_examples": ROWS,
        "golden_max_examples": arguments.golden_rows,
        "seed": repetition,
    }
    settings = {
        "model": {"path": arguments.model},
        "data": data,
        "training": {"epochs": arguments.epochs, "threads": arguments.threads},
        "probe": {"seeds": arguments.seeds, "side_by_side": 12},
    }
    return Recipe.model_validate_json(json.dumps(settings))


def opened(work: Path, repetition: int, recipe: Recipe) -> ProbeFolder:
    folder = ProbeFolder(work / f"repetition-{repetition}")
    if not ProbeFolder.is_at(folder.path):
        RunFolder(folder.path).write_text(ProbeFolder.asked_file(), dump_recipe(recipe))
    return folder


def repeat(folder: ProbeFolder, repetition: int) -> dict[str, Any]:
    """The forecast, then what was measured."""
    tell(probe(folder))
    data = load_prepared(folder.shared)
    job = job_of(folder.recipe, ROWS, MEASURED_SEED + repetition, ROWS)
    tell(measure_jobs(folder, data, [job], lambda: False))
    point, forecast = folder.point(job.name), folder.result()["forecast"]["full"]
    assert point is not None
    score, loss = forecast["score"], forecast["measured_loss"]
    return {
        "repetition": repetition,
        "forecast": score,
        "measured": point["score"],
        "holds": score["low"] <= point["score"] <= score["high"],
        "forecast_loss": loss,
        "measured_loss": point["loss"],
        "loss_holds": loss["low"] <= point["loss"] <= loss["high"],
        "items": point["items"],
        "points": folder.result()["points"],
    }


def tell(events: Any) -> None:
    for name, event in events:
        if type(event).__name__ in ("StageStarted", "Noticed", "Warned"):
            print(name, event, flush=True)
        elif type(event).__name__ == "StepFinished" and event.step % 50 == 0:
            print(name, f"{event.step}/{event.steps}", flush=True)


def page(rows: list[dict[str, Any]]) -> str:
    """The table of all repetitions so far."""
    lines = [
        "# Do forecasts from at most 400 rows hold at 3,200?",
        "",
        f"BANKING77, the starter model, LoRA; `benchmarks/probe.py` says how. The bar: {BAR} of {REPETITIONS}. "
        f"So far {sum(row['holds'] for row in rows)} of {len(rows)} hold; of the forecasts of the validation loss "
        f"{sum(row['loss_holds'] for row in rows)}.",
        "",
        "| repetition | score at 3,200 rows, forecast [95 %] | measured | holds | loss, forecast [95 %] | measured |",
        "| ---: | --- | ---: | --- | --- | ---: |",
    ]
    for row in rows:
        score, loss = row["forecast"], row["forecast_loss"]
        lines.append(
            f"| {row['repetition']} | {100 * score['mean']:.1f} [{100 * score['low']:.1f}, {100 * score['high']:.1f}] "
            f"| {100 * row['measured']:.1f} | {'yes' if row['holds'] else 'no'} "
            f"| {loss['mean']:.3f} [{loss['low']:.3f}, {loss['high']:.3f}] | {row['measured_loss']:.3f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--golden", type=Path, required=True)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--epochs", type=float, default=3.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--golden-rows", type=int, default=GOLDEN)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--work", type=Path, default=Path("runs/benchmark-probe"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    file = arguments.results / "probe.json"
    rows = json.loads(file.read_text(encoding="utf-8"))["repetitions"] if file.is_file() else []
    for repetition in range(arguments.repetitions):
        if any(row["repetition"] == repetition for row in rows):
            continue
        rows.append(repeat(opened(arguments.work, repetition, recipe_of(arguments, repetition)), repetition))
        arguments.results.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"repetitions": rows}, indent=1) + "\n", encoding="utf-8")
        (arguments.results / "probe.md").write_text(page(rows), encoding="utf-8")
        print(page(rows), flush=True)


if __name__ == "__main__":
    main()
