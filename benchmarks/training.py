"""Training side by side: luthier, TRL and a plain Transformers loop, on the same rows in the same steps.

    python -m benchmarks.training --work shared-prefix --model 45m --rounds 5 --steps 12

Every round of every side is a fresh process; sides take turns (A B C A B C …), so that a slow moment of the machine
meets all of them. Before that each peer is tried once in each of its settings on the first and the last step, and
keeps the fastest. Results go to benchmarks/results as JSON and as a Markdown table. Exit code 1: losses disagree.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.job import Job, Outcome, Side, read_outcome, write_job, write_rows
from benchmarks.machine import describe_machine, usable_cores
from benchmarks.random_models import SHAPES, ModelShape, shape_named
from benchmarks.report import Comparison, Series, write_results
from benchmarks.workloads import ROWS_PER_STEP, WORKS, Row, Work, make_rows

ROOT = Path(__file__).parents[1]
PEERS: tuple[Side, ...] = ("trl", "transformers")
ROWS_AT_ONCE = (8, 4, 2, 1)
# Fewer rows at once are not tried any more when the last try was slower than the best by this much.
GIVE_UP_FACTOR = 1.1
WAITING_SECONDS = 12.0


@dataclass(frozen=True)
class Part:
    """One work on one model, ready to run: its model is made and the rows of each of its tunings are written."""

    work: Work
    shape: ModelShape
    rows: tuple[tuple[Row, ...], ...]
    jobs: dict[Side, Job]


@dataclass(frozen=True)
class Rounds:
    """Where and how processes are started."""

    scratch: Path
    device: str

    def run(self, job: Job) -> Outcome:
        """One side, once; a failure shows what the process said."""
        asked, answered = self.scratch / "job.json", self.scratch / "outcome.json"
        write_job(job, asked)
        self.start("benchmarks.one_round", str(asked), str(answered))
        return read_outcome(answered)

    def start(self, module: str, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{module} failed:\n{done.stdout}")

    def _environment(self) -> dict[str, str]:
        hidden = {"CUDA_VISIBLE_DEVICES": ""} if self.device == "cpu" else {}
        return {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", **hidden}


def prepare(work: Work, shape: ModelShape, rounds: Rounds, args: argparse.Namespace) -> Part:
    """Write the model (once for all works of its kind) and the rows."""
    stored = "float32" if work.is_full else args.precision
    model = rounds.scratch / f"{shape.name}-{stored}"
    if not model.exists():
        rounds.start("benchmarks.random_models", shape.name, stored, str(model))
    count = ROWS_PER_STEP * (args.steps or shape.steps)
    rows = tuple(tuple(make_rows(work, count, shape.vocabulary, tuning.seed)) for tuning in work.tunings)
    file = rounds.scratch / f"{shape.name}-{work.name}.json"
    write_rows(rows, file)
    plain = Job(
        side="luthier",
        tunings=work.tunings,
        model=str(model),
        rows=str(file),
        precision=args.precision,
        threads=args.threads,
        micro_batch_tokens=args.micro_batch_tokens,
    )
    return Part(work, shape, rows, {side: replace(plain, side=side) for side in ("luthier", *args.peers)})


def choose_settings(part: Part, rounds: Rounds, at_once: str) -> tuple[Part, float]:
    """Each peer's fastest setting on the first and last step, and the seconds one round of all sides should take.

    With ``--at-once whole-step`` there is nothing to choose: peers take the step's rows in one padded batch.
    """
    if at_once == "whole-step":
        return replace(
            part, jobs={side: replace(job, rows_at_once=ROWS_PER_STEP) for side, job in part.jobs.items()}
        ), 0.0
    sample = [_ends(rows) for rows in part.rows]
    file = rounds.scratch / "sample.json"
    write_rows(sample, file)
    chosen, expected = {}, 0.0
    for side, job in part.jobs.items():
        tried = try_settings(
            settings_of(side), lambda setting, job=job: rounds.run(replace(job, rows=str(file), **setting)).seconds
        )
        setting, seconds = min(tried, key=lambda each: each[1])
        chosen[side] = replace(job, **setting)
        expected += WAITING_SECONDS + seconds * len(part.rows[0]) / len(sample[0])
        told = ", ".join(f"{_words(setting)} {seconds:.1f} s" for setting, seconds in tried)
        print(f"{part.work.name}, {part.shape.name}, {side}, {len(sample[0])} rows: {told}", flush=True)
    return replace(part, jobs=chosen), expected


def settings_of(side: Side) -> tuple[dict[str, Any], ...]:
    """TRL can also run a step's rows as one sequence without padding; luthier has nothing to choose."""
    padded = tuple({"rows_at_once": rows} for rows in ROWS_AT_ONCE)
    match side:
        case "trl":
            return ({"is_padding_free": True}, *padded)
        case "transformers":
            return padded
        case "luthier":
            return ({},)


def compare(part: Part, rounds: Rounds, count: int) -> Comparison:
    """All sides in turns, ``count`` times."""
    done: dict[Side, list[Outcome]] = {side: [] for side in part.jobs}
    for number in range(count):
        for side, job in part.jobs.items():
            outcome = rounds.run(job)
            done[side].append(outcome)
            print(f"{part.work.name}, {part.shape.name}, round {number + 1}, {_told(side, outcome)}", flush=True)
    return Comparison(
        work=part.work.name,
        title=part.work.title,
        model=part.shape.name,
        steps=len(part.rows[0]) // ROWS_PER_STEP,
        given_tokens=sum(len(row.ids) for rows in part.rows for row in rows),
        sides={side: Series(part.jobs[side], tuple(outcomes)) for side, outcomes in done.items()},
    )


def _ends(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The first step and the last: the longest and the shortest rows, where rows are sorted."""
    return rows if len(rows) <= 2 * ROWS_PER_STEP else rows[:ROWS_PER_STEP] + rows[-ROWS_PER_STEP:]


def try_settings(
    settings: Iterable[dict[str, Any]], time_it: Callable[[dict[str, Any]], float]
) -> list[tuple[dict[str, Any], float]]:
    tried: list[tuple[dict[str, Any], float]] = []
    for setting in settings:
        tried.append((setting, time_it(setting)))
        padded = [seconds for each, seconds in tried if "rows_at_once" in each]
        if padded and padded[-1] > GIVE_UP_FACTOR * min(padded):
            break
    return tried


def _words(setting: dict[str, Any]) -> str:
    if not setting:
        return "as the product has it"
    return "without padding" if "is_padding_free" in setting else f"{setting['rows_at_once']} at once"


def _told(side: Side, outcome: Outcome) -> str:
    losses = f"{outcome.losses[0]:.4f} to {outcome.losses[-1]:.4f}"
    return (
        f"{side}: {outcome.seconds:.2f} s ({outcome.cpu_seconds:.2f} CPU), loss {losses}, "
        f"{outcome.computed_tokens:,} tokens, peak {outcome.peak_bytes / 1e6:,.0f} MB"
    )


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [work.name for work in WORKS]
    parser.add_argument("--work", nargs="+", choices=names, default=names)
    parser.add_argument("--model", nargs="+", choices=[shape.name for shape in SHAPES], default=["45m", "0.6b"])
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, help="optimizer steps; left out: 12 for 45m, 2 for 0.6b")
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--at-once", choices=("fastest", "whole-step"), default="fastest", help="of a peer's rows")
    parser.add_argument("--precision", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--micro-batch-tokens", type=_tokens, default="auto", help="luthier's; left out: the product's")
    parser.add_argument("--device", choices=("cpu", "auto"), default="auto", help="cpu hides an accelerator")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--name", default="training", help="of the files of results")
    return parser.parse_args()


def _tokens(text: str) -> int | str:
    return text if text == "auto" else int(text)


def main() -> None:
    args = read_arguments()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        rounds = Rounds(Path(scratch), args.device)
        works = [work for work in WORKS if work.name in args.work]
        parts = [prepare(work, shape_named(model), rounds, args) for model in args.model for work in works]
        print("First every peer's settings are tried; then the time that the rounds will take is told.", flush=True)
        chosen = [choose_settings(part, rounds, args.at_once) for part in parts]
        minutes = args.rounds * sum(seconds for _, seconds in chosen) / 60
        print(f"{args.rounds} rounds of {len(parts)} works will take about {minutes:.0f} minutes.", flush=True)
        comparisons = [compare(part, rounds, args.rounds) for part, _ in chosen]
    table = write_results(comparisons, describe_machine(args.threads), args.results, args.name)
    print(f"\n{table.read_text(encoding='utf-8')}\n{table}, after {(time.perf_counter() - began) / 60:.0f} minutes")
    if not all(comparison.agrees for comparison in comparisons):
        raise SystemExit("losses differ by more than 0.001: the sides did not train the same thing")


if __name__ == "__main__":
    main()
