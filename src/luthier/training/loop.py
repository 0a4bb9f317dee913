"""The one loop. It takes steps and yields what happened; it loads no data, draws no bar, knows no objective by name."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from luthier.adapters import Adapter
from luthier.errors import TrainingError
from luthier.events import CheckpointSaved, Event, StepFinished, Validated
from luthier.models import tree_log_probs
from luthier.tokens import TokenTree
from luthier.tokens.batch import to_batch
from luthier.training.checkpoint import Checkpoint, load_latest, save_checkpoint
from luthier.training.optimizer import NamedAdamW
from luthier.training.schedule import Schedule
from luthier.training.steps import Step, StepPlan

LossSum = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Cadence:
    """How often, in optimizer steps; the last step always validates and saves. 0 switches validation off."""

    validate_steps: int
    checkpoint_steps: int
    keep_checkpoints: int


@dataclass(frozen=True)
class Training:
    """Everything one run of the loop needs, built by whoever composes."""

    adapter: Adapter
    plan: StepPlan
    validation: Sequence[Step]
    loss_sum: LossSum
    optimizer: NamedAdamW
    schedule: Schedule
    cadence: Cadence
    clip_norm: float
    compute_dtype: torch.dtype
    checkpoints: Path


def train(training: Training) -> Iterator[Event]:
    """Run all steps that the newest checkpoint does not already hold; yields an event per step, validation and save.

    Raises TrainingError when the loss or a gradient is not finite. A caller that stops early (Ctrl-C) calls
    `save_now` with the last step it saw.
    """
    start = _take_up(training)
    if start == 0 and training.validation and training.cadence.validate_steps:
        yield validate(training, 0)
    for step in range(start, training.plan.steps):
        yield run_step(training, step)
        done = step + 1
        is_last = done == training.plan.steps
        if (
            training.validation
            and training.cadence.validate_steps
            and (is_last or done % training.cadence.validate_steps == 0)
        ):
            yield validate(training, done)
        if is_last or done % training.cadence.checkpoint_steps == 0:
            yield save_now(training, done)


def run_step(training: Training, number: int) -> StepFinished:
    """One optimizer step: every tree forward and backward, one division, one update."""
    began = time.perf_counter()
    step = training.plan(number)
    loss_sum = 0.0
    for tree in step.trees:
        part = _loss_sum(training, tree) / step.trained_weight
        part.backward()
        loss_sum += part.item()
    parameters = training.adapter.parameters()
    norm = _clip(parameters, training.clip_norm)
    if not (math.isfinite(loss_sum) and math.isfinite(norm)):
        raise _not_finite(number, loss_sum, norm, step)
    learning_rate = training.schedule.rate(number)
    training.optimizer.step(learning_rate)
    return StepFinished(
        step=number + 1,
        steps=training.plan.steps,
        epoch=(number + 1) / training.plan.steps_per_epoch,
        loss=loss_sum,
        learning_rate=learning_rate,
        gradient_norm=norm,
        trained_tokens=sum(b.trained_tokens for e in step.examples for b in e.branches),
        given_tokens=sum(tree.given_tokens for tree in step.trees),
        computed_tokens=sum(tree.computed_tokens for tree in step.trees),
        seconds=time.perf_counter() - began,
    )


@torch.no_grad()
def validate(training: Training, after_step: int) -> Validated:
    """Mean loss over all validation examples, divided once."""
    total = sum(_loss_sum(training, tree).item() for step in training.validation for tree in step.trees)
    weight = sum(step.trained_weight for step in training.validation)
    tokens = sum(b.trained_tokens for step in training.validation for e in step.examples for b in e.branches)
    return Validated(after_step, total / weight, tokens)


def save_now(training: Training, done: int) -> CheckpointSaved:
    """Write a checkpoint that holds the state after ``done`` steps."""
    parameters = {name: p.detach().cpu().contiguous() for name, p in training.adapter.parameters().items()}
    checkpoint = Checkpoint(done, parameters, training.optimizer.moments())
    folder = save_checkpoint(training.checkpoints, checkpoint, training.cadence.keep_checkpoints)
    return CheckpointSaved(done, str(folder))


def _take_up(training: Training) -> int:
    """Load the newest checkpoint, if there is one; returns the number of steps already done."""
    checkpoint = load_latest(training.checkpoints)
    if checkpoint is None:
        return 0
    with torch.no_grad():
        for name, parameter in training.adapter.parameters().items():
            parameter.copy_(checkpoint.parameters[name])
    training.optimizer.restore(checkpoint.moments)
    return checkpoint.step


def _loss_sum(training: Training, tree: TokenTree) -> torch.Tensor:
    model = training.adapter.model
    device = next(model.parameters()).device
    batch = to_batch(tree, device)
    with _rounding(training, device):
        log_probs_P = tree_log_probs(model, batch)
    return training.loss_sum(log_probs_P, batch.weights_P)


def _rounding(training: Training, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Autocast for float32 weights that are to be multiplied in bfloat16; nothing otherwise."""
    if training.adapter.is_autocast and training.compute_dtype is not torch.float32:
        return torch.autocast(device.type, training.compute_dtype)
    return contextlib.nullcontext()


def _clip(parameters: dict[str, nn.Parameter], largest_norm: float) -> float:
    """Scale gradients down to ``largest_norm`` (0: never); returns the norm before."""
    limit = largest_norm if largest_norm > 0 else math.inf
    return float(nn.utils.clip_grad_norm_(list(parameters.values()), limit))


def _not_finite(number: int, loss: float, norm: float, step: Step) -> TrainingError:
    names = [example.name for example in step.examples]
    shown = "; ".join(names[:4]) + (f"; and {len(names) - 4} more" if len(names) > 4 else "")
    return TrainingError(
        f"step {number + 1}: the loss is {loss} and the gradient norm {norm}, on {shown}",
        expected="finite numbers; the model before this step is in the last checkpoint",
        fix="halve the learning rate (--set training.learning_rate=…), look at those rows with luthier show, "
        "or compute in float32 (--set model.precision=float32)",
    )
