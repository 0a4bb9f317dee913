"""Predicted against measured peak memory, each configuration in a process of its own.

    python -m benchmarks.memory [NAME ...]

The product's own path: a model folder, the recipe, the memory plan, then real steps with a checkpoint at the end. What
is measured is the process's peak of resident memory (on a GPU: of allocated memory) while it trained.
"""

import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine, usable_cores
from benchmarks.random_models import SEED, ModelShape, write_model
from benchmarks.workloads import FIRST_ID, WORKS, make_rows

RESULTS = Path(__file__).parent / "results"
STEPS = 2
BAR = 0.15
LEARNING_RATE = 1e-4

SHAPES = {
    "5m": ModelShape("5m", 256, 4, 4, 2, 64, 768, 8_192, steps=STEPS),
    "45m": ModelShape("45m", 512, 8, 8, 4, 64, 1536, 32_000, steps=STEPS),
    "150m": ModelShape("150m", 640, 10, 10, 5, 64, 1920, 151_936, steps=STEPS),
}
LORA = {"kind": "lora"}
QLORA = {"kind": "lora", "base_bits": 4}
FULL = {"kind": "full"}


@dataclass(frozen=True)
class Configuration:
    """``rows`` make one step; ``training`` holds further settings of the recipe."""

    name: str
    model: str
    method: dict[str, Any]
    micro_batch_tokens: int
    rows: int
    work: str = "short"
    training: dict[str, Any] = dataclasses.field(default_factory=dict)


CONFIGURATIONS = (
    Configuration("5m-lora", "5m", LORA, 4096, 96),
    Configuration("5m-qlora", "5m", QLORA, 4096, 96),
    Configuration("5m-full", "5m", FULL, 4096, 96),
    Configuration("45m-lora", "45m", LORA, 4096, 96),
    Configuration("45m-qlora", "45m", QLORA, 2048, 48),
    Configuration("45m-full", "45m", FULL, 2048, 48),
    Configuration("150m-lora", "150m", LORA, 2048, 48),
    Configuration("150m-qlora", "150m", QLORA, 1024, 24),
    Configuration("150m-full", "150m", FULL, 1024, 24),
    Configuration("45m-lora-long-rows", "45m", LORA, 2048, 6, "long"),
    Configuration("45m-lora-recomputed", "45m", LORA, 4096, 96, training={"activation_checkpointing": "on"}),
    Configuration("45m-full-8bit", "45m", FULL, 2048, 24, training={"optimizer": "adamw-8bit"}),
)


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        chosen = next(c for c in CONFIGURATIONS if c.name == sys.argv[2])
        print(json.dumps(measure(chosen, Path(sys.argv[3]))))
        return
    chosen = [c for c in CONFIGURATIONS if not sys.argv[1:] or c.name in sys.argv[1:]]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for configuration in chosen:
            found.append(_in_own_process(configuration, Path(folder)))
            print(_line(found[-1]), flush=True)
    RESULTS.mkdir(exist_ok=True)
    report = {"machine": describe_machine(usable_cores()), "bar": BAR, "configurations": found}
    (RESULTS / "memory.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    worst = max(abs(one["relative_error"]) for one in found)
    print(f"largest error {worst:.1%}, bar {BAR:.0%}")
    sys.exit(worst > BAR)


def measure(configuration: Configuration, model: Path) -> dict[str, Any]:
    """One configuration in this process, which must be fresh."""
    from luthier.runs.encoding import EncodedData
    from luthier.runs.folder import RunFolder
    from luthier.runs.tuning import build_training, make_adapter
    from luthier.runs.workbench import load_base, set_up
    from luthier.training import fit_into_memory, forget_peak, peak_held_bytes, train
    from luthier.training.memory import held_bytes

    with tempfile.TemporaryDirectory() as scratch:
        recipe = _recipe(configuration, model, Path(scratch))
        bench = set_up(recipe)
        before = held_bytes(bench.device)
        adapter = make_adapter(recipe, load_base(bench, recipe), bench)
        data = EncodedData(_examples(configuration), (), {})
        training = build_training(recipe, adapter, data, bench, RunFolder(Path(scratch)))
        began = time.perf_counter()
        training, plan = fit_into_memory(training, recipe.training, recipe.method)
        seconds = time.perf_counter() - began
        forget_peak(bench.device)
        losses = [event.loss for event in train(training) if type(event).__name__ == "StepFinished"]
        measured = peak_held_bytes(bench.device)
    return {
        "name": configuration.name,
        "before_model_bytes": before,
        "predicted_bytes": plan.peak_bytes,
        "measured_bytes": measured,
        "relative_error": plan.peak_bytes / measured - 1,
        "stage": plan.stage,
        "parts": plan.parts,
        "planning_seconds": seconds,
        "losses": losses,
    }


def _in_own_process(configuration: Configuration, folder: Path) -> dict[str, Any]:
    """The folder is written by another process, so that none of it counts."""
    dtype = "float32" if configuration.method == FULL else "bfloat16"
    model = folder / f"{configuration.model}-{dtype}"
    if not model.exists():
        write_model(SHAPES[configuration.model], dtype, model)
    command = [sys.executable, "-m", "benchmarks.memory", "--one", configuration.name, str(model)]
    outcome = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(outcome.stdout.splitlines()[-1])


def _recipe(configuration: Configuration, model: Path, scratch: Path) -> Any:
    from luthier.recipe import load_recipe

    file = scratch / "recipe.yaml"
    settings = {
        "epochs": 1.0,
        "batch_examples": configuration.rows,
        "learning_rate": LEARNING_RATE,
        "micro_batch_tokens": configuration.micro_batch_tokens,
        "seed": SEED,
        **configuration.training,
    }
    recipe = {
        "model": {"path": str(model), "chat_template": "plain", "precision": "bfloat16"},
        "data": {"train": "rows-are-tokenised-already.jsonl"},
        "method": configuration.method,
        "training": settings,
    }
    file.write_text(json.dumps(recipe), encoding="utf-8")
    return load_recipe(file)


def _examples(configuration: Configuration) -> tuple[Any, ...]:
    from luthier.tokens import Branch
    from luthier.training import TrainingExample

    work = next(work for work in WORKS if work.name == configuration.work)
    vocabulary = SHAPES[configuration.model].vocabulary - FIRST_ID
    examples = []
    for number, row in enumerate(make_rows(work, configuration.rows * STEPS, vocabulary)):
        weights = (0.0,) * row.trained_from + (1.0,) * row.trained_tokens
        examples.append(TrainingExample((Branch(row.ids, weights),), f"row {number}"))
    return tuple(examples)


def _line(one: dict[str, Any]) -> str:
    shown = {name: size >> 20 for name, size in one["parts"].items() if size >> 20}
    return (
        f"{one['name']:22} predicted {one['predicted_bytes'] / 2**20:7.0f} MiB  measured "
        f"{one['measured_bytes'] / 2**20:7.0f} MiB  {one['relative_error']:+6.1%}  {one['stage']} {shown} "
        f"(planned in {one['planning_seconds']:.1f} s)"
    )


if __name__ == "__main__":
    main()
