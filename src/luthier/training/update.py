"""One optimizer step in its parts: gradients, clipping, a look at them, the update, and what is told about it."""

import math
import time

import torch
from torch import nn

from luthier.errors import TrainingError
from luthier.events import InstabilityFound, StepFinished, SuspectRow
from luthier.models import RightTokens, tree_log_probs
from luthier.tokens import TokenTree
from luthier.tokens.batch import TreeBatch, to_batch
from luthier.training.steps import Step, TrainingExample, make_step
from luthier.training.training import Training
from luthier.training.watch import Finding, look

SHOWN_ROWS = 8
NAMED_ROWS = 4


def run_step(training: Training, number: int) -> StepFinished:
    """Step ``number``, counted from 0. Raises TrainingError, before any update, when it is unstable."""
    found, finished = try_step(training, number)
    if finished is None:
        assert found is not None
        raise unstable(training, found)
    return finished


def try_step(training: Training, number: int) -> tuple[InstabilityFound | None, StepFinished | None]:
    """What was unusual about the step, if anything, and its report; no report means that nothing was updated."""
    began = time.perf_counter()
    step = training.plan(number)
    loss = compute_gradients(training, step)
    return settle_step(training, step, number, loss, time.perf_counter() - began)


def settle_step(
    training: Training, step: Step, number: int, loss: float, seconds: float
) -> tuple[InstabilityFound | None, StepFinished | None]:
    """What comes after the gradients, which took ``seconds``: clip, look, update, report."""
    began = time.perf_counter()
    norm = clip_gradients(training.adapter.parameters(), training.clip_norm)
    training.progress.watch, finding = look(training.progress.watch, number + 1, loss, norm)
    # Told before the update: the rows are judged with the weights that gave this loss.
    found = describe(training, step, number, finding) if finding else None
    if finding and finding.is_grave:
        return found, None
    learning_rate = apply_update(training, number)
    return found, report_step(
        training, step, number, (loss, norm, learning_rate), seconds + time.perf_counter() - began
    )


def compute_gradients(training: Training, step: Step) -> float:
    """Every tree forward and backward, divided once by the weight of the whole step; returns the step's loss."""
    loss, right = 0.0, training.new_count()
    for tree in step.trees:
        loss += differentiate(training, tree, step.trained_weight, right)
    training.progress.right_tokens = right.count if right else None
    return loss


def differentiate(training: Training, tree: TokenTree, weight: float, right: RightTokens | None = None) -> float:
    """One tree forward and backward; returns its loss, divided by ``weight``."""
    # Backward too: activations that are computed again must find the same slot.
    with training.adapter.table.serving(training.adapter.slot):
        loss = loss_of(training, tree, right) / weight
        loss.backward()
    return loss.item()


def clip_gradients(parameters: dict[str, nn.Parameter], largest_norm: float) -> float:
    """Scale gradients down to ``largest_norm`` (0: never); returns the norm before."""
    limit = largest_norm if largest_norm > 0 else math.inf
    trained = [parameter for parameter in parameters.values() if parameter.grad is not None]
    norm = nn.utils.get_total_norm([parameter.grad for parameter in trained if parameter.grad is not None])
    # Most steps are within the limit, and a pass that multiplies by 1 is one too many.
    if not norm + 1e-6 <= limit:
        nn.utils.clip_grads_with_norm_(trained, limit, norm)
    return float(norm)


def apply_update(training: Training, number: int) -> float:
    """Move the parameters and count the step; returns the learning rate it was done with."""
    learning_rate = training.schedule.rate(number) * training.progress.rate_factor
    training.optimizer.step(learning_rate)
    training.adapter.refresh()
    training.progress.step = number + 1
    return learning_rate


def report_step(
    training: Training, step: Step, number: int, measured: tuple[float, float, float], seconds: float
) -> StepFinished:
    """``measured``: loss, gradient norm before clipping, learning rate."""
    loss, norm, learning_rate = measured
    return StepFinished(
        step=number + 1,
        steps=training.plan.steps,
        epoch=(number + 1) / training.plan.steps_per_epoch,
        loss=loss,
        learning_rate=learning_rate,
        gradient_norm=norm,
        trained_tokens=sum(b.trained_tokens for e in step.examples for b in e.branches),
        given_tokens=sum(tree.given_tokens for tree in step.trees),
        computed_tokens=sum(tree.computed_tokens for tree in step.trees),
        seconds=seconds,
        right_tokens=training.progress.right_tokens,
    )


def loss_of(training: Training, tree: TokenTree, right: RightTokens | None = None) -> torch.Tensor:
    """Summed loss of one tree, not yet divided."""
    log_probs_P, batch = log_probs_of(training, tree, right)
    return training.loss_sum(log_probs_P, batch.weights_P)


def log_probs_of(
    training: Training, tree: TokenTree, right: RightTokens | None = None
) -> tuple[torch.Tensor, TreeBatch]:
    """Log-probabilities ``[P]`` of one tree's trained tokens under this training's adapter, whatever else is there."""
    model = training.adapter.model
    device = next(model.parameters()).device
    batch = to_batch(tree, device)
    with training.adapter.table.serving(training.adapter.slot):
        return tree_log_probs(model, batch, spares_unread=True, right=right), batch


def describe(training: Training, step: Step, number: int, finding: Finding) -> InstabilityFound:
    """The finding with the step's worst rows: each is run again alone, without gradients."""
    ranked = sorted(
        (SuspectRow(example.name, _mean_loss(training, example)) for example in step.examples),
        key=lambda row: -math.inf if row.loss is None else -row.loss,
    )
    names = [f"{row.name} (loss {'not finite' if row.loss is None else format(row.loss, '.4g')})" for row in ranked]
    more = f"; and {len(names) - NAMED_ROWS} more" if len(names) > NAMED_ROWS else ""
    return InstabilityFound(
        step=number + 1,
        since_step=finding.since_step,
        kind=finding.kind,
        message=f"step {number + 1}: {finding.sentence}; worst rows: {'; '.join(names[:NAMED_ROWS])}{more}",
        seen=finding.seen if math.isfinite(finding.seen) else None,
        limit=finding.limit,
        rows=tuple(ranked[:SHOWN_ROWS]),
        step_rows=len(ranked),
    )


def unstable(training: Training, found: InstabilityFound, because: str = "") -> TrainingError:
    """What ends a run that may not, or cannot, go back."""
    back = "; or let the run go back by itself (--set training.on_instability=rollback)"
    return TrainingError(
        found.message + because,
        expected="finite numbers and a loss that falls; the state of before is in the last checkpoint",
        fix="halve the learning rate (--set training.learning_rate=…), look at those rows with luthier show, "
        "or compute in float32 (--set model.precision=float32)" + (back if training.on_instability == "stop" else ""),
    )


@torch.no_grad()
def _mean_loss(training: Training, example: TrainingExample) -> float | None:
    """Nats per trained token; None when not finite."""
    alone = make_step([example], training.plan.budget_tokens, training.plan.is_folded)
    total = sum(loss_of(training, tree).item() for tree in alone.trees)
    mean = total / alone.trained_weight if alone.trained_weight else 0.0
    return mean if math.isfinite(mean) else None
