"""The state of a run to disk and back: what a checkpoint holds, when one is due by the calendar, which ones stay."""

import torch

from luthier.events import CheckpointSaved
from luthier.training.checkpoint import Checkpoint, save_checkpoint
from luthier.training.keeping import Keeping
from luthier.training.stopping import best_steps
from luthier.training.training import Training
from luthier.training.watch import EXPLOSION_STEPS


def save_now(training: Training, done: int) -> CheckpointSaved:
    """Write a checkpoint that holds the state after ``done`` steps, which must be all that were done."""
    assert done == training.progress.step
    parameters = {name: p.detach().cpu().contiguous() for name, p in training.adapter.parameters().items()}
    checkpoint = Checkpoint(training.progress, parameters, training.optimizer.moments())
    folder = save_checkpoint(training.checkpoints, checkpoint, _keeping(training))
    training.progress.saved_step = done
    return CheckpointSaved(done, str(folder))


def restore(training: Training, checkpoint: Checkpoint) -> None:
    """Stand where the checkpoint stands."""
    set_parameters(training, checkpoint)
    training.optimizer.restore(checkpoint.moments)
    training.progress.take_over(checkpoint.progress)


def set_parameters(training: Training, checkpoint: Checkpoint) -> None:
    """Only the parameters, and no gradients left from before."""
    with torch.no_grad():
        for name, parameter in training.adapter.parameters().items():
            parameter.copy_(checkpoint.parameters[name])
            parameter.grad = None
    training.adapter.refresh()


def _keeping(training: Training) -> Keeping:
    progress, cadence = training.progress, training.cadence
    best = best_steps(progress.validations, training.best_kept)
    goes_back = training.on_instability == "rollback"
    since = scheduled_step(training, progress.step - EXPLOSION_STEPS) if goes_back else None
    return Keeping(cadence.keep_checkpoints, best, since)


def scheduled_step(training: Training, at_most: int) -> int:
    """The last step up to ``at_most`` after which a checkpoint was due by the calendar alone.

    Rollbacks aim at these only: what Ctrl-C saved in between must not change how the run goes on.
    """
    every = training.cadence.checkpoint_steps
    return max(0, at_most // every * every)
