"""The training loop, which yields events, and its parts: steps, schedule, optimizer, checkpoints."""

from luthier.training.checkpoint import Checkpoint, list_checkpoints, load_latest, save_checkpoint
from luthier.training.loop import Cadence, Training, run_step, save_now, train, validate
from luthier.training.optimizer import NamedAdamW
from luthier.training.schedule import ChosenRate, Schedule, choose_learning_rate
from luthier.training.steps import Step, StepPlan, TrainingExample, make_step

__all__ = [
    "Cadence",
    "Checkpoint",
    "ChosenRate",
    "NamedAdamW",
    "Schedule",
    "Step",
    "StepPlan",
    "Training",
    "TrainingExample",
    "choose_learning_rate",
    "list_checkpoints",
    "load_latest",
    "make_step",
    "run_step",
    "save_checkpoint",
    "save_now",
    "train",
    "validate",
]
