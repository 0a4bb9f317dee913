"""A short story: learn from all rows as they are, and leave the tuned weights. What a job of the server runs.

Whoever asks for it has checked the rows; nothing is taken out of them, set aside or compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from luthier.data import read_examples
from luthier.events import Event, Noticed, StageStarted
from luthier.recipe import Recipe
from luthier.runs.decisions import earlier_decision, write_decisions
from luthier.runs.encoding import encode_data
from luthier.runs.folder import RunFolder
from luthier.runs.tuning import (
    build_training,
    earlier_choice,
    expected_cost,
    is_tuned,
    make_adapter,
    resolve,
    tune,
)
from luthier.runs.workbench import load_base, set_up
from luthier.training import fit_into_memory


def train_only(folder: RunFolder, recipe: Recipe, wants_stop: Callable[[], bool]) -> Iterator[Event]:
    """Train to the end, going on from what is there; raises LuthierError, and Interrupted after a stop."""
    if is_tuned(folder):
        yield Noticed("tuned before")
        return
    settings = recipe.data
    bench = set_up(recipe, earlier_decision(folder, "model.precision"))
    yield StageStarted("read", settings.train)
    train = read_examples(Path(settings.train), settings).examples
    validation = read_examples(Path(settings.validation), settings).examples if settings.validation else ()
    yield StageStarted("tokenize", f"with {bench.base.name}'s template")
    encoded, events = encode_data(train, validation, bench, settings)
    yield from events
    adapter = make_adapter(recipe, load_base(bench, recipe), bench)
    training = build_training(recipe, adapter, encoded, bench, folder)
    training, memory = fit_into_memory(training, recipe.training, recipe.method, earlier_choice(folder))
    resolved = resolve(recipe, training, bench, expected_cost(training, memory))
    write_decisions(folder, encoded.contract, resolved)
    yield from tune(recipe, training, bench, folder, wants_stop)
