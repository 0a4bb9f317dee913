"""Going back: after an unstable step the run takes up its last good state again, with a lower learning rate."""

from luthier.events import InstabilityFound, RolledBack
from luthier.training.checkpoint import load_latest
from luthier.training.progress import MOST_ROLLBACKS
from luthier.training.saving import restore, save_now, scheduled_step
from luthier.training.training import Training
from luthier.training.update import unstable


def roll_back(training: Training, found: InstabilityFound) -> RolledBack:
    """Back to the last good state, with a lower learning rate; raises TrainingError where that is no way out.

    The aim becomes the newest checkpoint in one rename, so a run that is killed here has either gone back or not.
    """
    if training.on_instability == "stop":
        raise unstable(training, found)
    rollbacks = training.progress.rollbacks + 1
    if rollbacks > MOST_ROLLBACKS:
        raise unstable(training, found, f"; the run was already rolled back {MOST_ROLLBACKS} times")
    # Weights after ``since - 1`` steps gave the first bad loss; those of one step before were still good.
    good_step = found.since_step - 2
    loaded = load_latest(training.checkpoints, scheduled_step(training, good_step)) if good_step >= 0 else None
    if loaded is None:
        raise unstable(training, found, "; there is no earlier state to go back to")
    restore(training, loaded.checkpoint)
    training.progress.rollbacks = rollbacks
    save_now(training, training.progress.step)
    return RolledBack(found.step, training.progress.step, training.progress.rate_factor, rollbacks)
