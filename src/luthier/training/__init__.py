"""The training loop, which yields events, and its parts: steps, schedule, optimizer, checkpoints."""

from luthier.training.checkpoint import Checkpoint, list_checkpoints, load_latest, save_checkpoint
from luthier.training.folding import FoldingSummary, folding_summary
from luthier.training.keeping import Keeping
from luthier.training.loop import train, validate
from luthier.training.memory import MemoryChoice, MemoryPlan, fit_into_memory, forget_peak, peak_held_bytes
from luthier.training.optimizer import NamedAdamW
from luthier.training.optimizer_choice import NamedOptimizer, make_optimizer
from luthier.training.progress import MOST_ROLLBACKS, ROLLBACK_RATE_FACTOR, Progress, RowLoss
from luthier.training.saving import save_now
from luthier.training.schedule import ChosenRate, Schedule, choose_learning_rate
from luthier.training.steps import Step, StepPlan, TrainingExample, make_step
from luthier.training.stopping import EarlyStopping
from luthier.training.together import train_together
from luthier.training.training import Cadence, Training
from luthier.training.update import run_step

__all__ = [
    "MOST_ROLLBACKS",
    "ROLLBACK_RATE_FACTOR",
    "Cadence",
    "Checkpoint",
    "ChosenRate",
    "EarlyStopping",
    "FoldingSummary",
    "Keeping",
    "MemoryChoice",
    "MemoryPlan",
    "NamedAdamW",
    "NamedOptimizer",
    "Progress",
    "RowLoss",
    "Schedule",
    "Step",
    "StepPlan",
    "Training",
    "TrainingExample",
    "choose_learning_rate",
    "fit_into_memory",
    "folding_summary",
    "forget_peak",
    "list_checkpoints",
    "load_latest",
    "make_optimizer",
    "make_step",
    "peak_held_bytes",
    "run_step",
    "save_checkpoint",
    "save_now",
    "train",
    "train_together",
    "validate",
]
