"""What one run of the loop is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from luthier.adapters import Adapter
from luthier.models import RightTokens
from luthier.training.optimizer_choice import NamedOptimizer
from luthier.training.progress import Progress
from luthier.training.schedule import Schedule
from luthier.training.steps import Step, StepPlan
from luthier.training.stopping import EarlyStopping

LossSum = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Cadence:
    """How often, in optimizer steps; the last step always validates and saves. 0 switches validation off.

    Every ``sample_steps`` steps a few validation examples are looked at in between (0: never).

    ``keep_checkpoints`` of the newest checkpoints stay, and ``keep_best_checkpoints`` of those with the lowest
    validation loss.
    """

    validate_steps: int
    checkpoint_steps: int
    keep_checkpoints: int
    keep_best_checkpoints: int = 0
    sample_steps: int = 0


@dataclass(frozen=True)
class Training:
    """Everything one run of the loop needs, built by whoever composes; adapter, optimizer and progress change.

    ``sampled``: small parts of ``validation``, looked at in turn. ``counts_right``: events tell how many trained tokens
    the model would have chosen itself.
    """

    adapter: Adapter
    plan: StepPlan
    validation: Sequence[Step]
    loss_sum: LossSum
    optimizer: NamedOptimizer
    schedule: Schedule
    cadence: Cadence
    clip_norm: float
    compute_dtype: torch.dtype
    checkpoints: Path
    on_instability: Literal["stop", "rollback"] = "stop"
    early_stopping: EarlyStopping | None = None
    sampled: Sequence[Step] = ()
    counts_right: bool = False
    progress: Progress = field(default_factory=Progress)

    def new_count(self) -> RightTokens | None:
        """What counts right tokens from here on, where they are to be counted."""
        return RightTokens() if self.counts_right else None

    @property
    def best_kept(self) -> int:
        """Early stopping ends with the best checkpoint, so it keeps one whatever the cadence says."""
        return max(self.cadence.keep_best_checkpoints, 1 if self.early_stopping else 0)
