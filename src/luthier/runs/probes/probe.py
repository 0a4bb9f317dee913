"""The story of a probe: small trainings on one base, each measured, then a curve, a forecast and a plain sentence.

Every training measures the same golden and validation rows. What has been measured is on disk at once, and a probe that
was stopped anywhere goes on with what is missing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import torch

from luthier.adapters import put_on
from luthier.errors import DataError, Interrupted, TrainingError
from luthier.events import Event, ItemsAnswered, Noticed, StageStarted, StepFinished, TrainingFailed
from luthier.runs.arms.arm import Judging, judging_of
from luthier.runs.encoding import EncodedData, encode_data
from luthier.runs.prepare import PreparedData, load_prepared, prepare_data
from luthier.runs.probes.folder import ProbeFolder
from luthier.runs.probes.plan import ProbeJob, drawn_rows, plan_probe, refuse_unprobed
from luthier.runs.probes.point import Measuring, measure_point
from luthier.runs.probes.result import write_probe
from luthier.runs.tuning import build_training
from luthier.runs.workbench import Workbench, load_base, set_up
from luthier.training import Training, save_now, train_together

Told = Iterator[tuple[str, Event]]
# Events that are the whole probe's.
ALL = ""
MOST_CHECKPOINTS = 5


@dataclass(frozen=True)
class _Floor:
    """What all trainings stand on."""

    folder: ProbeFolder
    bench: Workbench
    data: PreparedData
    encoded: EncodedData
    judging: Judging
    wants_stop: Callable[[], bool]


def probe(folder: ProbeFolder, wants_stop: Callable[[], bool] = lambda: False) -> Told:
    """Run (or go on with) the probe in ``folder``; yields events with the training's name, "" for all.

    At the end `probe.json` holds the points, the curves, the forecast and the sentence, and `curve.svg` the drawing.
    Raises LuthierError for whatever the user can mend, and Interrupted after ``wants_stop()`` turned true.
    """
    with folder.shared.lock():
        for name, event in _stages(folder, wants_stop):
            (folder.training(name) if name else folder.shared).record(event)
            yield name, event


def _stages(folder: ProbeFolder, wants_stop: Callable[[], bool]) -> Told:
    recipe = folder.recipe
    refuse_unprobed(recipe)
    yield from ((ALL, event) for event in prepare_data(folder.shared, recipe.data))
    data = load_prepared(folder.shared)
    jobs = plan_probe(recipe, len(data.train))
    yield from measure_jobs(folder, data, jobs, wants_stop)
    yield ALL, Noticed(write_probe(folder, recipe, data, jobs))


def measure_jobs(
    folder: ProbeFolder, data: PreparedData, jobs: Sequence[ProbeJob], wants_stop: Callable[[], bool]
) -> Told:
    """Train and measure those of ``jobs`` that have no point yet, `probe.side_by_side` of them at once."""
    recipe = folder.recipe
    waiting = [job for job in jobs if folder.point(job.name) is None]
    if not waiting:
        return
    bench = set_up(recipe)
    yield ALL, StageStarted("tokenize", f"with {bench.base.name}'s template")
    encoded, events = encode_data(data.train, data.validation, bench, recipe.data)
    yield from ((ALL, event) for event in events)
    wanted = max(job.rows for job in jobs)
    if len(encoded.train) < wanted:
        raise _too_few_encoded(len(encoded.train), wanted)
    judging = judging_of(data.golden, recipe.evaluation, data.kind)
    floor = _Floor(folder, bench, data, encoded, judging, wants_stop)
    for start in range(0, len(waiting), recipe.probe.side_by_side):
        yield from _wave(floor, waiting[start : start + recipe.probe.side_by_side], len(jobs))


def _wave(floor: _Floor, wave: Sequence[ProbeJob], all_jobs: int) -> Told:
    """Trainings side by side to their ends, then each is measured."""
    yield ALL, StageStarted("train", f"{len(wave)} of {all_jobs} trainings side by side")
    model = load_base(floor.bench, floor.folder.recipe)
    trainings = {job.name: _training(floor, job, model) for job in wave}
    steps = ", ".join(f"{job.name}: {job.steps}" for job in wave)
    yield ALL, Noticed(f"steps: {steps}")
    seconds = dict.fromkeys(trainings, 0.0)
    tokens = dict.fromkeys(trainings, 0)
    with ExitStack() as locks:
        for name in trainings:
            locks.enter_context(floor.folder.training(name).lock())
        for name, event in train_together(trainings, lambda names: _going_on(names, floor)):
            yield name, event
            if isinstance(event, StepFinished):
                seconds[name] += event.seconds
                tokens[name] += event.computed_tokens
            if isinstance(event, TrainingFailed):
                raise TrainingError(f"{name}: {event.found}", expected=event.expected, fix=event.fix)
        yield from _save_unfinished(floor, trainings)
        yield ALL, StageStarted("evaluate", f"{len(wave)} trainings on {len(floor.data.golden)} golden rows")
        for job in wave:
            if floor.wants_stop():
                raise _stopped(floor)
            speed = tokens[job.name] / seconds[job.name] if seconds[job.name] else None
            yield from _measure(floor, job, trainings[job.name], model, speed)


def _training(floor: _Floor, job: ProbeJob, model: torch.nn.Module) -> Training:
    rows = EncodedData(drawn_rows(floor.encoded.train, job), floor.encoded.validation, {})
    adapter = put_on(job.recipe.method, model, str(floor.bench.base.path), job.seed, job.name)
    training = build_training(job.recipe, adapter, rows, floor.bench, floor.folder.training(job.name))
    # Validated at the end only; every checkpoint is a few megabytes that are thrown away with the point.
    every = max(1, job.steps // MOST_CHECKPOINTS)
    return replace(training, cadence=replace(training.cadence, validate_steps=0, checkpoint_steps=every))


def _measure(floor: _Floor, job: ProbeJob, training: Training, model: torch.nn.Module, speed: float | None) -> Told:
    measuring = Measuring(floor.bench, floor.data, floor.judging, job.recipe)
    point = measure_point(job, training, model, measuring, speed)
    floor.folder.write_point(job.name, point)
    shutil.rmtree(training.checkpoints, ignore_errors=True)
    golden = len(floor.data.golden)
    yield job.name, ItemsAnswered(job.name, golden, golden, point["answering_seconds"])
    yield job.name, Noticed(f"score {100 * point['score']:.1f}, validation loss {point['loss']:.4f}")


def _going_on(names: Collection[str], floor: _Floor) -> Collection[str]:
    return [] if floor.wants_stop() else names


def _save_unfinished(floor: _Floor, trainings: dict[str, Training]) -> Told:
    """A stop saves each training where it stands, all after the same round."""
    unfinished = {name: job for name, job in trainings.items() if job.progress.step < job.plan.steps}
    if not unfinished:
        return
    for name, job in trainings.items():
        if job.progress.saved_step != job.progress.step:
            yield name, save_now(job, job.progress.step)
    raise _stopped(floor)


def _too_few_encoded(usable: int, wanted: int) -> DataError:
    return DataError(
        f"{usable:,} training rows are left after those that cannot be used",
        expected=f"{wanted:,} for the largest size",
        fix=f"--set probe.rows=[{usable // 4},{usable // 2},{usable}], or mend the rows",
    )


def _stopped(floor: _Floor) -> Interrupted:
    return Interrupted(
        "stopped with trainings on their way; everything is saved",
        expected="a probe goes on where it stopped",
        fix=f"luthier resume {floor.folder.path}",
    )
