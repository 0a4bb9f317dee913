"""The story of a sweep: many candidates on one base, losers stopped with the evidence, and a winner.

Candidates see the same training and validation rows; the golden rows stay untouched, so that the winner's evaluation
is not a choice among many. Every candidate has a run folder of its own, in which it can be gone on with alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from luthier.adapters import put_on
from luthier.errors import Interrupted, TrainingError
from luthier.events import BestTaken, Event, Noticed, StageStarted, TrainingFailed, Validated
from luthier.recipe import Candidate, Recipe, expand, side_by_side
from luthier.runs.decisions import write_decisions
from luthier.runs.encoding import EncodedData, encode_data
from luthier.runs.prepare import load_prepared, prepare_data
from luthier.runs.sweeps.board import Board, Standing
from luthier.runs.sweeps.evidence import look_at
from luthier.runs.sweeps.folder import SweepFolder
from luthier.runs.tuning import build_training, expected_cost, is_tuned, resolve, save_adapter
from luthier.runs.workbench import Workbench, load_base, set_up
from luthier.training import Training, save_now, train_together

Told = Iterator[tuple[str, Event]]
# Events that are the whole sweep's.
ALL = ""


@dataclass(frozen=True)
class _Floor:
    """What all candidates stand on."""

    recipe: Recipe
    bench: Workbench
    encoded: EncodedData


def sweep(folder: SweepFolder, wants_stop: Callable[[], bool] = lambda: False) -> Told:
    """Run (or go on with) the sweep in ``folder``; yields events with the candidate's name, "" for all.

    Each event is also appended to the `events.jsonl` of the candidate, or of the sweep. At the end `sweep.json` holds
    the ranking and `winner.yaml` the winner's recipe. Raises LuthierError for whatever the user can mend, and
    Interrupted after ``wants_stop()`` turned true.
    """
    with folder.shared.lock():
        for name, event in _stages(folder, folder.recipe, wants_stop):
            (folder.candidate(name) if name else folder.shared).record(event)
            yield name, event


def _stages(folder: SweepFolder, recipe: Recipe, wants_stop: Callable[[], bool]) -> Told:
    candidates = expand(recipe)
    bench = set_up(recipe)
    yield from ((ALL, event) for event in prepare_data(folder.shared, recipe.data))
    board = Board(folder, candidates, recipe.sweep)
    if board.waiting():
        data = load_prepared(folder.shared)
        yield ALL, StageStarted("tokenize", f"with {bench.base.name}'s template")
        encoded, events = encode_data(data.train, data.validation, bench, recipe.data)
        yield from ((ALL, event) for event in events)
        if not encoded.validation:
            raise _no_validation_rows()
        floor = _Floor(recipe, bench, encoded)
        for wave in _waves(board.waiting(), side_by_side(recipe)):
            yield from _train_wave(floor, wave, board, wants_stop)
    yield from _close(board)


def _train_wave(floor: _Floor, wave: Sequence[Candidate], board: Board, wants_stop: Callable[[], bool]) -> Told:
    """Candidates on one base to their ends; a stop saves each where it stands, all after the same round."""
    yield ALL, StageStarted("train", f"{len(wave)} of {len(board.candidates)} candidates side by side")
    with ExitStack() as locks:
        model = load_base(floor.bench, floor.recipe)
        jobs: dict[str, Training] = {}
        for candidate in wave:
            run = board.folder.open_candidate(candidate)
            locks.enter_context(run.lock())
            method, seed = candidate.recipe.method, candidate.recipe.training.seed
            adapter = put_on(method, model, str(floor.bench.base.path), seed, candidate.slot)
            job = build_training(candidate.recipe, adapter, floor.encoded, floor.bench, run)
            resolved = resolve(candidate.recipe, job, floor.bench, expected_cost(job))
            write_decisions(run, floor.encoded.contract, resolved)
            yield candidate.name, Noticed(f"{candidate.label}: {job.plan.steps} steps")
            jobs[candidate.name] = job
        best_steps = yield from _train(jobs, board, wants_stop)
        yield from _end(jobs, best_steps, board, floor.bench)


def _train(
    jobs: dict[str, Training], board: Board, wants_stop: Callable[[], bool]
) -> Generator[tuple[str, Event], None, dict[str, int]]:
    """Rounds until all have ended or are asked to stop; returns the steps whose state early stopping took."""
    best_steps: dict[str, int] = {}
    defeated: list[str] = []

    def going_on(names: Collection[str]) -> list[str]:
        """Asked between two rounds, when all validations of the round are in."""
        if wants_stop():
            return []
        for name, defeat in board.defeats(names).items():
            board.stop(name, defeat)
            defeated.append(name)
        return [name for name in names if board.standings[name].state == "waiting"]

    for name, event in train_together(jobs, going_on):
        yield from _tell_defeats(jobs, defeated, board)
        yield name, event
        match event:
            case Validated():
                board.note(name, look_at(event.step, jobs[name].plan.steps, jobs[name].progress.row_losses))
            case BestTaken():
                best_steps[name] = event.step
            case TrainingFailed():
                board.end(name, Standing("failed", reason=event.found))
            case _:
                pass
    yield from _tell_defeats(jobs, defeated, board)
    return best_steps


def _tell_defeats(jobs: dict[str, Training], defeated: list[str], board: Board) -> Told:
    """A candidate that was stopped is saved, so that it can be gone on with after all: luthier resume."""
    while defeated:
        name = defeated.pop(0)
        progress = jobs[name].progress
        if progress.saved_step != progress.step:
            yield name, save_now(jobs[name], progress.step)
        yield name, Noticed(f"stopped after step {progress.step}: {board.standings[name].reason}")


def _end(jobs: dict[str, Training], best_steps: dict[str, int], board: Board, bench: Workbench) -> Told:
    """Those whose steps are all done have finished and keep their adapter; any other was interrupted and is saved."""
    interrupted = 0
    for name, job in jobs.items():
        run, progress = board.folder.candidate(name), job.progress
        if board.standings[name].state != "waiting":
            continue
        if progress.step == job.plan.steps or name in best_steps:
            if not is_tuned(run):
                yield name, Noticed(f"saved {save_adapter(job.adapter, bench, run)}")
            board.finish(name, best_steps.get(name))
        else:
            interrupted += 1
            if progress.saved_step != progress.step:
                yield name, save_now(job, progress.step)
    board.write()
    if interrupted:
        raise Interrupted(
            f"stopped with {interrupted} candidates on their way; everything is saved",
            expected="a sweep goes on exactly where it stopped",
            fix=f"luthier resume {board.folder.path}",
        )


def _close(board: Board) -> Told:
    """The ranking and the winner's recipe on disk."""
    board.write()
    winner = board.winner()
    if winner is None:
        reasons = "; ".join(f"{name}: {standing.reason}" for name, standing in board.standings.items())
        raise TrainingError(
            f"no candidate finished ({reasons})",
            expected="at least one whose training is stable",
            fix="try lower learning rates: --over training.learning_rate=1e-5,3e-5",
        )
    yield ALL, Noticed(f"the winner's recipe: {board.folder.write_winner(board.candidates[winner])}")


def _waves(waiting: Sequence[Candidate], size: int) -> list[Sequence[Candidate]]:
    return [waiting[start : start + size] for start in range(0, len(waiting), size)]


def _no_validation_rows() -> TrainingError:
    return TrainingError(
        "no validation row is left to tell the candidates apart",
        expected="rows whose loss is measured after each epoch",
        fix="--set data.validation_fraction=0.2, or name a file with data.validation",
    )
