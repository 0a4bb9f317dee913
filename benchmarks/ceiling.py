"""How fast this machine multiplies at a model's own shapes, and which share of that training reaches.

    python -m benchmarks.ceiling --model 45m --tokens 1024 4096

What is counted is in `operations.py`, how the ceiling is measured in `matmul_rate.py`.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.job import Job
from benchmarks.machine import describe_machine, usable_cores
from benchmarks.matmul_rate import Ceiling, measure_ceiling, time_each
from benchmarks.operations import Operations, Sizes, count_spared, count_training
from benchmarks.ours import branch_of, make_recipe, put_all_on
from benchmarks.random_models import SHAPES, shape_named, write_model
from benchmarks.workloads import ALONE, WORKS, Row, make_rows
from luthier.models import tree_log_probs
from luthier.objectives import sft_loss_sum
from luthier.runs.workbench import set_up
from luthier.tokens import TokenTree, fold
from luthier.tokens.batch import to_batch

RESULTS = Path(__file__).parent / "results"
ROWS_TO_DRAW_FROM = 512


@dataclass(frozen=True)
class Reached:
    """One line of the table. ``seconds``: forward and backward of one micro-batch, a median. ``spared``: counted
    operations that are not computed, because nobody reads their result."""

    tokens: int
    trained_tokens: int
    rows: int
    seconds: float
    operations: Operations
    spared: float
    ceiling: Ceiling

    @property
    def rate(self) -> float:
        return self.operations.needed / self.seconds

    @property
    def share(self) -> float:
        return self.rate / self.ceiling.rate

    @property
    def computed_share(self) -> float:
        return self.share * (1 - self.spared / self.operations.needed)


def measure_share(model: str, tokens: int, precision: Any, threads: int, repeats: int) -> Reached:
    """One micro-batch of short chats through the product's own model, forward and backward, no optimizer."""
    shape = shape_named(model)
    with tempfile.TemporaryDirectory() as scratch:
        write_model(shape, precision, Path(scratch) / "model")
        job = Job("luthier", ALONE, f"{scratch}/model", "", precision, threads)
        recipe = make_recipe(job, ALONE[0], Path(scratch))
        bench = set_up(recipe)
        (adapter,) = put_all_on([recipe], bench)
    rows = rows_of(tokens, shape.vocabulary)
    tree = fold([branch_of(row) for row in rows])
    model_: Any = adapter.model
    sizes = Sizes.of(model_.config)
    trained = sum(row.trained_tokens for row in rows)

    def run() -> None:
        _forward_and_backward(adapter.model, tree, bench.device)
        for parameter in adapter.parameters().values():
            parameter.grad = None

    seconds = statistics.median(time_each(run, bench.device, repeats))
    ceiling = measure_ceiling(sizes, tokens, trained, False, bench.precision.dtype, bench.device)
    counted = count_training(sizes, tree, ALONE[0].rank), count_spared(sizes, tree, ALONE[0].rank)
    return Reached(tokens, trained, len(rows), seconds, *counted, ceiling)


def rows_of(tokens: int, vocabulary: int) -> list[Row]:
    """Short chats that add up to exactly ``tokens``; the last one is cut, or joined to the one before if tiny."""
    short = next(work for work in WORKS if work.name == "short")
    chosen: list[Row] = []
    left = tokens
    for row in make_rows(short, ROWS_TO_DRAW_FROM, vocabulary)[::-1][::5]:
        if left - len(row.ids) < short.lengths.least:
            break
        chosen.append(row)
        left -= len(row.ids)
    ids = make_rows(short, 1, vocabulary, seed=1)[0].ids
    last = tuple((ids * (left // len(ids) + 1))[:left])
    return [*chosen, Row(last, left // 2)]


def as_markdown(reached: Sequence[Reached]) -> str:
    lines = [
        "| tokens | rows | trained | seconds | GFLOP/s | ceiling GFLOP/s | share | of what is computed | linears | "
        "attention | head | LoRA's own, not in the share |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for line in reached:
        parts = line.operations
        giga = [f"{each / 1e9:.0f} G" for each in (parts.linear, parts.attention, parts.head, parts.thin)]
        lines.append(
            f"| {line.tokens:,} | {line.rows} | {line.trained_tokens:,} | {line.seconds:.3f} | {line.rate / 1e9:.0f} "
            f"| {line.ceiling.rate / 1e9:.0f} | {line.share:.0%} | {line.computed_share:.0%} | {' | '.join(giga)} |"
        )
    return "\n".join(lines)


def _forward_and_backward(model: torch.nn.Module, tree: TokenTree, device: torch.device) -> None:
    batch = to_batch(tree, device)
    (sft_loss_sum(tree_log_probs(model, batch, spares_unread=True), batch.weights_P) / batch.trained_weight).backward()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=[shape.name for shape in SHAPES], default="45m")
    parser.add_argument("--tokens", type=int, nargs="+", default=[1024, 4096])
    parser.add_argument("--precision", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    reached = [measure_share(args.model, tokens, args.precision, args.threads, args.repeats) for tokens in args.tokens]
    machine = describe_machine(args.threads)
    table = as_markdown(reached)
    print(table)
    args.results.mkdir(parents=True, exist_ok=True)
    lines = [
        {**asdict(line), "rate": line.rate, "share": line.share, "computed_share": line.computed_share}
        for line in reached
    ]
    told = {"machine": machine, "model": args.model, "precision": args.precision, "lines": lines}
    (args.results / f"ceiling-{args.model}.json").write_text(json.dumps(told, indent=2) + "\n")
    heading = f"{args.model}, {args.precision}: {machine['processor']}, {args.threads} threads, {machine['date']}"
    (args.results / f"ceiling-{args.model}.md").write_text(f"{heading}\n\n{table}\n")


if __name__ == "__main__":
    main()
