"""Several trainings on one base at once: one forward and one backward for all, everything else as if alone.

In each round every training that is not at its end contributes its next optimizer step. All of them are cut together
(`joint_step.py`); in a micro-batch each training's tokens are a range of its own, seen by its adapter only. Gradients,
clipping, schedule, checkpoints and validation stay each training's own, so that nothing but rounding can tell whether
it had company.
"""

import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch

from luthier.adapters import SlotRange
from luthier.errors import TrainingError
from luthier.events import Event, TrainingFailed
from luthier.models import folding_of, tree_log_probs
from luthier.tokens import TokenTree, lay_end_to_end, tree_starts
from luthier.tokens.batch import TreeBatch, to_batch
from luthier.training.joint_step import JointStep, Part, plan_jointly
from luthier.training.loop import begin, between_steps, conclude, take_best
from luthier.training.training import Training
from luthier.training.update import differentiate, settle_step


def train_together(
    jobs: Mapping[str, Training], going_on: Callable[[Collection[str]], Collection[str]] = lambda names: names
) -> Iterator[tuple[str, Event]]:
    """Run all jobs to their ends, wherever their checkpoints stand; yields each event with the name of its job.

    ``going_on`` is asked between rounds, after validations and checkpoints, which of the running jobs go on; others are
    left as they are, and the caller saves them (`save_now`) if they are to go on later. A job that gets unstable ends
    with `TrainingFailed`, and the others go on. Raises TrainingError for jobs that cannot share a forward.
    """
    _refuse_strangers(jobs)
    running = dict(jobs)
    for name, job in jobs.items():
        yield from _named(name, begin(job))
    while running:
        for name, job in list(running.items()):
            if (yield from _named(name, between_steps(job))):
                del running[name]
                yield from _named(name, take_best(job))
        kept = going_on(list(running))
        running = {name: job for name, job in running.items() if name in kept}
        yield from _round(running)


def _round(running: dict[str, Training]) -> Iterator[tuple[str, Event]]:
    """One optimizer step of each job; those that cannot go on are taken out of ``running``."""
    began = time.perf_counter()
    joint = plan_jointly(running)
    losses = compute_joint_gradients(running, joint)
    seconds = time.perf_counter() - began
    tokens = {name: sum(tree.computed_tokens for tree in step.trees) for name, step in joint.steps.items()}
    for name, job in list(running.items()):
        # The round's time, by what each job had computed: over all jobs it adds up to the time that passed.
        share = seconds * tokens[name] / max(sum(tokens.values()), 1)
        try:
            found, finished = settle_step(job, joint.steps[name], job.progress.step, losses[name], share)
            yield from _named(name, conclude(job, found, finished))
        except TrainingError as error:
            del running[name]
            yield name, TrainingFailed(job.progress.step + 1, error.found, error.expected, error.fix)


def compute_joint_gradients(jobs: Mapping[str, Training], joint: JointStep) -> dict[str, float]:
    """The gradients of one step of every job, each divided by its own step's weight; returns each step's loss."""
    losses = dict.fromkeys(jobs, 0.0)
    for parts in joint.micro_batches:
        weights = [joint.steps[name].trained_weight for name, _ in parts]
        for (name, _), loss in zip(parts, _differentiate(jobs, parts, weights), strict=True):
            losses[name] += loss
    return losses


def _differentiate(jobs: Mapping[str, Training], parts: Sequence[Part], weights: Sequence[float]) -> list[float]:
    """Forward and backward of one micro-batch; the loss of each part."""
    first = jobs[parts[0][0]]
    model, table = first.adapter.model, first.adapter.table
    trees = [tree for _, tree in parts]
    is_one_forward = folding_of(model).can_share_a_forward(len(path) for tree in trees for path in tree.paths)
    if len(parts) == 1 or not is_one_forward:
        return [differentiate(jobs[name], tree, weight) for (name, tree), weight in zip(parts, weights, strict=True)]
    batch = to_batch(lay_end_to_end(trees), next(model.parameters()).device)
    # Backward stays inside: activations that are computed again must find the same slots.
    with table.holding(_ranges(jobs, parts)):
        log_probs_P = tree_log_probs(model, batch, spares_unread=True, narrowed=table.narrowed)
        counts = _trained_tokens(batch, trees)
        split = zip(parts, log_probs_P.split(counts), batch.weights_P.split(counts), weights, strict=True)
        losses = [
            jobs[name].loss_sum(log_probs, of_tokens) / weight for (name, _), log_probs, of_tokens, weight in split
        ]
        # Not their sum: a loss that is not finite must not reach the others.
        torch.autograd.backward(losses)
    return [loss.item() for loss in losses]


def _trained_tokens(batch: TreeBatch, trees: Sequence[TokenTree]) -> list[int]:
    """How many of the batch's P trained tokens belong to each tree."""
    tree_of_branch = torch.repeat_interleave(torch.tensor([len(tree.branches) for tree in trees]))
    return torch.bincount(tree_of_branch[batch.branch_of_P.cpu()], minlength=len(trees)).tolist()


def _ranges(jobs: Mapping[str, Training], parts: Sequence[Part]) -> list[SlotRange]:
    """Whose tokens are where. Padding after the last is nobody's."""
    starts = tree_starts([tree for _, tree in parts])
    return [
        SlotRange(jobs[name].adapter.slot, *place) for (name, _), place in zip(parts, pairwise(starts), strict=True)
    ]


def _named(name: str, events: Iterator[Event]) -> Generator[tuple[str, Event], None, Any]:
    """The events with the job's name; what the generator returns is handed on."""
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            return end.value
        yield name, event


def _refuse_strangers(jobs: Mapping[str, Training]) -> None:
    """Jobs share a forward on one model, through slots of one table; what trains the base itself stays alone."""
    adapters = [job.adapter for job in jobs.values()]
    slots = {adapter.slot for adapter in adapters}
    is_one_base = all(a.model is adapters[0].model and a.table is adapters[0].table for a in adapters)
    is_told_apart = len(slots) == len(adapters)
    if len(jobs) > 1 and not (is_one_base and is_told_apart and not any(a.owns_base for a in adapters)):
        raise TrainingError(
            f"{len(jobs)} trainings that do not share one frozen base",
            expected="adapters of one model, each in a slot of its own (method.kind: lora)",
            fix="train them one after another",
        )
