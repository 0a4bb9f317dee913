"""The one loop. It takes steps and yields what happened; it loads no data, draws no bar, knows no objective by name."""

from collections.abc import Generator, Iterator, Sequence

from luthier.errors import TrainingError
from luthier.events import (
    BestTaken,
    Event,
    InstabilityFound,
    StepFinished,
    StoppedEarly,
    Validated,
    ValidationSampled,
    Warned,
)
from luthier.training.checkpoint import load_latest, load_step
from luthier.training.progress import RowLoss
from luthier.training.rollback import roll_back
from luthier.training.row_losses import row_losses
from luthier.training.saving import restore, save_now, set_parameters
from luthier.training.steps import Step
from luthier.training.stopping import Measured, best_steps, has_waited_enough
from luthier.training.training import Training
from luthier.training.update import try_step


def train(training: Training) -> Iterator[Event]:
    """Run all steps that the newest checkpoint does not already hold; yields an event for whatever happens.

    Raises TrainingError when a step is unstable and the run may not, or cannot, go back. A caller that stops early
    (Ctrl-C) calls `save_now` with the last step it saw. With early stopping, the adapter holds the best state at the
    end.
    """
    yield from begin(training)
    while not (yield from between_steps(training)):
        yield from conclude(training, *try_step(training, training.progress.step))
    yield from take_best(training)


def begin(training: Training) -> Iterator[Event]:
    """Load the newest whole checkpoint, if there is one."""
    _refuse_blind_stopping(training)
    loaded = load_latest(training.checkpoints)
    if loaded is not None:
        yield from map(Warned, loaded.passed_over)
        restore(training, loaded.checkpoint)


def between_steps(training: Training) -> Generator[Event, None, bool]:
    """Validate and save where that is due; returns whether the run is at its end."""
    progress = training.progress
    if _validates(training) and progress.validated_step != progress.step:
        validated = validate(training, progress.step)
        progress.validations = (*progress.validations, Measured(validated.step, validated.loss))
        yield validated
    if _samples(training):
        yield sample(training, progress.step)
    is_at_end = _is_at_end(training)
    if _saves(training, is_at_end) and progress.saved_step != progress.step:
        yield save_now(training, progress.step)
    return is_at_end


def conclude(training: Training, found: InstabilityFound | None, finished: StepFinished | None) -> Iterator[Event]:
    """Tell what came of a step; one that was not finished is gone back from, or raises TrainingError."""
    if found is not None:
        yield found
    if finished is not None:
        yield finished
    elif found is not None:
        yield roll_back(training, found)


def validate(training: Training, after_step: int) -> Validated:
    """Mean loss over all validation examples, divided once; what each lost is kept in the progress."""
    right = training.new_count()
    training.progress.row_losses = row_losses(training, training.validation, right)
    loss, tokens = _mean(training.progress.row_losses, training.validation)
    return Validated(after_step, loss, tokens, right.count if right else None)


def sample(training: Training, after_step: int) -> ValidationSampled:
    """The same for a few validation examples, others each time."""
    steps = [training.sampled[after_step // training.cadence.sample_steps % len(training.sampled)]]
    right = training.new_count()
    loss, tokens = _mean(row_losses(training, steps, right), steps)
    return ValidationSampled(after_step, loss, tokens, right.count if right else None)


def _mean(losses: Sequence[RowLoss], steps: Sequence[Step]) -> tuple[float, int]:
    """Nats per trained token, divided once; and the number of trained tokens."""
    weight = sum(step.trained_weight for step in steps)
    tokens = sum(b.trained_tokens for step in steps for e in step.examples for b in e.branches)
    return sum(row.loss for row in losses) / weight, tokens


def _validates(training: Training) -> bool:
    """Whether the validation loss is due after the steps done so far."""
    every, done = training.cadence.validate_steps, training.progress.step
    return bool(training.validation and every) and (done == training.plan.steps or done % every == 0)


def _samples(training: Training) -> bool:
    every, done = training.cadence.sample_steps, training.progress.step
    return bool(training.sampled and every and done) and done % every == 0


def _is_at_end(training: Training) -> bool:
    progress = training.progress
    return progress.step == training.plan.steps or has_waited_enough(progress.validations, training.early_stopping)


def _saves(training: Training, is_at_end: bool) -> bool:
    """Whether a checkpoint is due. A run that may go back saves its first state too, so that it always can."""
    progress = training.progress
    if progress.step == 0:
        return training.on_instability == "rollback"
    is_scheduled = progress.step % training.cadence.checkpoint_steps == 0
    is_best = progress.step in best_steps(progress.validations, training.best_kept)
    return is_at_end or is_scheduled or is_best


def take_best(training: Training) -> Iterator[Event]:
    """With early stopping: put the state with the lowest validation loss into the adapter."""
    progress, stopping = training.progress, training.early_stopping
    if stopping is None:
        return
    if progress.step < training.plan.steps:
        yield StoppedEarly(progress.step, training.plan.steps, stopping.patience)
    losses = {measured.step: measured.loss for measured in progress.validations}
    for step in best_steps(progress.validations, len(losses)):
        checkpoint = None if step == progress.step else load_step(training.checkpoints, step)
        if checkpoint is not None:
            set_parameters(training, checkpoint)
        if checkpoint is not None or step == progress.step:
            yield BestTaken(step, losses[step], progress.step)
            return
        yield Warned(f"the checkpoint after step {step}, the best so far, is gone or damaged; the next best is taken")


def _refuse_blind_stopping(training: Training) -> None:
    if training.early_stopping and not (training.validation and training.cadence.validate_steps):
        raise TrainingError(
            "early stopping is asked for, but there are no validation rows",
            expected="rows whose loss can be watched",
            fix="set some aside (--set data.validation_fraction=0.1), or --set training.early_stopping_patience=null",
        )
