"""Does a long training stay as fast and as small as a short one? Tokens/s at 1x, 4x and 16x the rows; 2,000 steps.

    python -m benchmarks.endurance --rows 256 --steps 2000

A tiny random model on one thread, so that whatever grows with rows or steps, and is not the model, shows. Seconds are
those of this process on the processor, so other programs on the machine do not count. The long run saves checkpoints
and validates as a real one does. Prints a table, or with --json the figures.
"""

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from luthier.adapters import put_on
from luthier.events import StepFinished
from luthier.models import open_doorway
from luthier.objectives import sft_loss_sum
from luthier.recipe import Lora, TrainingSettings
from luthier.tokens import Branch
from luthier.training import Cadence, NamedAdamW, Schedule, StepPlan, Training, TrainingExample, make_step, train

FACTORS = (1, 4, 16)
BATCH_EXAMPLES = 16
VOCABULARY = 256
QUARTERS = 4
# Allocators and caches fill up in the first steps; growth after them is what counts.
SETTLED_STEPS = 200


def random_rows(count: int, seed: int = 0) -> list[TrainingExample]:
    """16 to 64 random tokens, of which the second half trains; no two rows begin alike."""
    rng = random.Random(seed)
    rows = []
    for index in range(count):
        size = rng.randint(16, 64)
        ids = tuple(rng.randrange(VOCABULARY) for _ in range(size))
        weights = tuple(float(place >= size // 2) for place in range(size))
        rows.append(TrainingExample((Branch(ids, weights),), f"row {index}"))
    return rows


def tiny_training(rows: list[TrainingExample], epochs: float, cadence: Cadence, folder: Path) -> Training:
    """LoRA on two layers of width 64."""
    open_doorway()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        attn_implementation="luthier",
    )
    adapter = put_on(Lora(rank=8), LlamaForCausalLM(config).requires_grad_(False), "base", seed=0)
    plan = StepPlan(rows, BATCH_EXAMPLES, epochs, seed=0, budget_tokens=4096)
    return Training(
        adapter=adapter,
        plan=plan,
        validation=[make_step(random_rows(32, seed=1), 4096, is_folded=True)],
        loss_sum=sft_loss_sum,
        optimizer=NamedAdamW(adapter.parameters(), TrainingSettings()),
        schedule=Schedule("cosine", 1e-3, plan.steps, 10),
        cadence=cadence,
        clip_norm=1.0,
        compute_dtype=torch.float32,
        checkpoints=folder,
    )


def timed_steps(training: Training) -> Iterator[tuple[StepFinished, float]]:
    """Each step and the processor seconds since the one before, so that saves and validations are counted too."""
    began = time.process_time()
    for event in train(training):
        if isinstance(event, StepFinished):
            now = time.process_time()
            yield event, now - began
            began = now


def tokens_per_second(rows: int, folder: Path) -> float:
    """Given tokens over processor seconds, one epoch, from building the plan to the last step."""
    training = tiny_training(random_rows(rows), 1.0, Cadence(0, 10**9, 1), folder)
    began = time.process_time()
    tokens = sum(event.given_tokens for event, _ in timed_steps(training))
    return tokens / (time.process_time() - began)


def measure_growth(rows: int, rounds: int) -> dict[str, Any]:
    """Sizes take turns, so that a machine that gets slower in between favours none of them."""
    found: dict[int, list[float]] = {factor: [] for factor in FACTORS}
    for _ in range(rounds):
        for factor in FACTORS:
            with tempfile.TemporaryDirectory() as folder:
                found[factor].append(tokens_per_second(rows * factor, Path(folder)))
    medians = {factor: statistics.median(speeds) for factor, speeds in found.items()}
    return {
        "rows": {str(factor): rows * factor for factor in FACTORS},
        "tokens_per_second": {str(factor): round(speed) for factor, speed in medians.items()},
        "slowest_over_fastest": round(min(medians.values()) / max(medians.values()), 3),
    }


def measure_endurance(steps: int) -> dict[str, Any]:
    rows = random_rows(BATCH_EXAMPLES * 50)
    seconds, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        training = tiny_training(rows, steps / 50, Cadence(250, 100, 2), Path(folder))
        for _, taken in timed_steps(training):
            seconds.append(taken)
            memory.append(resident_bytes())
    size = len(seconds) // QUARTERS
    quarters = [seconds[start : start + size] for start in range(0, size * QUARTERS, size)]
    medians = [statistics.median(quarter) for quarter in quarters]
    return {
        "steps": len(seconds),
        "median_milliseconds_by_quarter": [round(1000 * median, 2) for median in medians],
        "mean_milliseconds_by_quarter": [round(1000 * statistics.fmean(quarter), 2) for quarter in quarters],
        "last_over_first_quarter": round(medians[-1] / medians[0], 3),
        "resident_megabytes_settled": round(memory[min(SETTLED_STEPS, len(memory) - 1)] / 1e6, 1),
        "resident_megabytes_end": round(memory[-1] / 1e6, 1),
    }


def resident_bytes() -> int:
    """Memory that this process holds now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def table(growth: dict[str, Any], endurance: dict[str, Any]) -> str:
    lines = ["| rows | tokens/s |", "| ---: | ---: |"]
    speeds = growth["tokens_per_second"]
    lines += [f"| {growth['rows'][factor]:,} | {speed:,} |" for factor, speed in speeds.items()]
    lines += ["", f"| of {endurance['steps']:,} steps | median ms per step | mean ms |", "| --- | ---: | ---: |"]
    pairs = zip(endurance["median_milliseconds_by_quarter"], endurance["mean_milliseconds_by_quarter"], strict=True)
    lines += [f"| quarter {number} | {median} | {mean} |" for number, (median, mean) in enumerate(pairs, 1)]
    settled, end = endurance["resident_megabytes_settled"], endurance["resident_megabytes_end"]
    lines += ["", f"Memory: {settled} MB after {SETTLED_STEPS} steps, {end} MB at the end."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=256, help="rows at 1x")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        tokens_per_second(BATCH_EXAMPLES * 4, Path(folder))  # the first forward pays for what is set up once
    growth, endurance = measure_growth(args.rows, args.rounds), measure_endurance(args.steps)
    figures = {"growth": growth, "endurance": endurance}
    print(json.dumps(figures, indent=2) if args.json else table(growth, endurance))


if __name__ == "__main__":
    main()
