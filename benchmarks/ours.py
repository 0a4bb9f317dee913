"""luthier's side of a round: the product's own functions, from the recipe to the last step."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.job import Job, Outcome
from benchmarks.machine import Clock, MemoryWatch
from benchmarks.matmul_rate import measure_ceiling
from benchmarks.operations import Sizes, count_training
from benchmarks.workloads import ROWS_PER_STEP, Row, Tuning
from luthier.adapters import Adapter, put_on
from luthier.events import Event, StepFinished
from luthier.recipe import Full, Lora, Recipe, load_recipe
from luthier.runs.encoding import EncodedData
from luthier.runs.folder import RunFolder
from luthier.runs.tuning import build_training
from luthier.runs.workbench import Workbench, load_base, set_up
from luthier.tokens import Branch, TokenTree
from luthier.training import StepPlan, Training, TrainingExample, train, train_together

NEVER = 1_000_000_000


def train_with_luthier(job: Job, rows: Sequence[Sequence[Row]]) -> Outcome:
    """The clock runs from the adapters being on the model, as with the peers, to the end of the last step.

    Drawing steps, folding, planning and making the optimizer are inside; the checkpoint after the last step, for
    which peers have no equal here, is never reached.
    """
    with tempfile.TemporaryDirectory() as scratch:
        recipes = [make_recipe(job, tuning, Path(scratch)) for tuning in job.tunings]
        bench = set_up(recipes[0])
        adapters = put_all_on(recipes, bench)
        examples = [place_examples(*each) for each in zip(rows, recipes, strict=True)]
        watch, clock = MemoryWatch(), Clock()
        trainings: dict[str, Training] = {}
        for slot, (recipe, adapter, placed) in enumerate(zip(recipes, adapters, examples, strict=True)):
            folder = RunFolder(Path(scratch) / str(slot))
            trainings[str(slot)] = build_training(recipe, adapter, EncodedData(placed, (), {}), bench, folder)
        steps = run_to_last_step(trainings)
        clock.stop()
        return Outcome(
            seconds=clock.seconds,
            cpu_seconds=clock.cpu_seconds,
            losses=tuple(step.loss for name in trainings for step in steps[name]),
            peak_bytes=watch.peak_bytes(),
            rise_bytes=watch.rise_bytes(),
            computed_tokens=sum(step.computed_tokens for name in trainings for step in steps[name]),
            **_against_ceiling(trainings, job, bench),
        )


def make_recipe(job: Job, tuning: Tuning, scratch: Path) -> Recipe:
    """What a user would write, with nothing decided for the engine but the precision that both sides use."""
    file = scratch / "recipe.yaml"
    file.write_text("data:\n  train: rows-are-tokenised-already.jsonl\n", encoding="utf-8")
    recipe = load_recipe(file)
    training = recipe.training.model_copy(
        update={
            "epochs": 1.0,
            "batch_examples": ROWS_PER_STEP,
            "learning_rate": tuning.learning_rate,
            "schedule": "constant",
            "warmup_share": 0.0,
            "micro_batch_tokens": job.micro_batch_tokens,
            "checkpoint_every_steps": NEVER,
            "threads": job.threads,
            "seed": tuning.seed,
        }
    )
    method = Full() if tuning.rank is None else Lora(rank=tuning.rank)
    model = recipe.model.model_copy(update={"path": job.model, "chat_template": "plain", "precision": job.precision})
    return recipe.model_copy(update={"model": model, "method": method, "training": training})


def put_all_on(recipes: Sequence[Recipe], bench: Workbench) -> list[Adapter]:
    """One base; each adapter in a slot of its own, as a sweep has it."""
    model = load_base(bench, recipes[0])
    return [
        put_on(recipe.method, model, str(bench.base.path), recipe.training.seed, f"job-{number}")
        for number, recipe in enumerate(recipes)
    ]


def place_examples(rows: Sequence[Row], recipe: Recipe) -> tuple[TrainingExample, ...]:
    """Examples in the order that makes luthier's own draw of steps meet ``rows`` one after another."""
    empty = tuple(TrainingExample((), str(place)) for place in range(len(rows)))
    plan = StepPlan(empty, ROWS_PER_STEP, 1.0, recipe.training.seed, budget_tokens=1)
    drawn = [place for step in range(plan.steps) for place in plan.members(step)]
    placed = list(empty)
    for row, place in zip(rows, drawn, strict=True):
        placed[place] = TrainingExample((branch_of(row),), str(place))
    return tuple(placed)


def branch_of(row: Row) -> Branch:
    return Branch(row.ids, (0.0,) * row.trained_from + (1.0,) * row.trained_tokens)


def run_to_last_step(trainings: Mapping[str, Training]) -> dict[str, list[StepFinished]]:
    """Every training's steps; left as soon as all have done their last."""
    steps: dict[str, list[StepFinished]] = {name: [] for name in trainings}
    missing = sum(training.plan.steps for training in trainings.values())
    for name, event in _events(trainings):
        if isinstance(event, StepFinished):
            steps[name].append(event)
            missing -= 1
        if missing == 0:
            break
    return steps


def _events(trainings: Mapping[str, Training]) -> Iterator[tuple[str, Event]]:
    if len(trainings) > 1:
        return train_together(trainings)
    ((name, training),) = trainings.items()
    return ((name, event) for event in train(training))


def _against_ceiling(trainings: Mapping[str, Training], job: Job, bench: Workbench) -> dict[str, float]:
    """Counted operations of all trainings, and the machine's rate at a mean micro-batch, measured now."""
    model: Any = trainings["0"].adapter.model
    sizes = Sizes.of(model.config)
    trees = [tree for training in trainings.values() for tree in _trees(training)]
    tokens = sum(tree.computed_tokens for tree in trees) // len(trees)
    trained = sum(branch.trained_tokens for tree in trees for branch in tree.branches) // len(trees)
    ceiling = measure_ceiling(sizes, tokens, trained, job.is_full, bench.precision.dtype, bench.device)
    return {
        "operations": sum(count_training(sizes, tree, job.tunings[0].rank).needed for tree in trees),
        "ceiling": ceiling.rate,
    }


def _trees(training: Training) -> Iterator[TokenTree]:
    for number in range(training.plan.steps):
        yield from training.plan(number).trees
