"""The validation loss of every row: what the mean is made of, and what a paired comparison of two trainings needs."""

from collections import defaultdict, deque
from collections.abc import Sequence
from itertools import chain

import torch

from luthier.models import RightTokens
from luthier.tokens import TokenTree
from luthier.training.progress import RowLoss
from luthier.training.steps import Step
from luthier.training.training import Training
from luthier.training.update import log_probs_of


@torch.no_grad()
def row_losses(
    training: Training, steps: Sequence[Step] | None = None, right: RightTokens | None = None
) -> tuple[RowLoss, ...]:
    """One entry per example of the validation ``steps`` (None: of all), in their order."""
    return tuple(chain.from_iterable(_of_step(training, step, right) for step in steps or training.validation))


def _of_step(training: Training, step: Step, right: RightTokens | None) -> list[RowLoss]:
    # A tree holds the branches in another order. Where one object stands for several rows, they lose the same.
    rows_of: dict[int, deque[int]] = defaultdict(deque)
    for row, example in enumerate(step.examples):
        for branch in example.branches:
            rows_of[id(branch)].append(row)
    losses = [0.0] * len(step.examples)
    for tree in step.trees:
        for branch, loss in zip(tree.branches, _branch_losses(training, tree, right), strict=True):
            losses[rows_of[id(branch)].popleft()] += loss
    weights = [sum(branch.trained_weight for branch in example.branches) for example in step.examples]
    return [RowLoss(loss, weight) for loss, weight in zip(losses, weights, strict=True)]


def _branch_losses(training: Training, tree: TokenTree, right: RightTokens | None) -> list[float]:
    log_probs_P, batch = log_probs_of(training, tree, right)
    counts = torch.bincount(batch.branch_of_P, minlength=len(tree.branches)).tolist()
    parts = zip(log_probs_P.split(counts), batch.weights_P.split(counts), strict=True)
    return [training.loss_sum(log_probs, weights).item() for log_probs, weights in parts]
