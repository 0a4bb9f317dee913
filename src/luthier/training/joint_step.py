"""One optimizer step of each of several trainings, cut into micro-batches together.

Which examples meet in a step, what they share and what a loss is divided by stay each training's own; only the cuts
are made over all of them at once, so that micro-batches are about as large as one another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from luthier.models import folding_of
from luthier.tokens import Packing, TokenTree, pack_jointly
from luthier.training.steps import Step
from luthier.training.training import Training

# On a CPU, matrix products run at full rate from here on: a larger micro-batch only takes more memory.
FULL_RATE_TOKENS = 1024

Part = tuple[str, TokenTree]


@dataclass(frozen=True)
class JointStep:
    """``micro_batches``: trees with the names of their trainings, each of which stands in one once at most.
    ``steps``: by name, with exactly those trees."""

    steps: Mapping[str, Step]
    micro_batches: tuple[tuple[Part, ...], ...]


def plan_jointly(jobs: Mapping[str, Training]) -> JointStep:
    """The step that each job has reached. Jobs that cannot share a forward are cut as if alone."""
    if len(jobs) < 2 or not all(folding_of(job.adapter.model).is_possible for job in jobs.values()):
        steps = {name: job.plan(job.progress.step) for name, job in jobs.items()}
        return JointStep(steps, tuple(((name, tree),) for name, step in steps.items() for tree in step.trees))
    names = list(jobs)
    packings = [job.plan.packing(job.progress.step) for job in jobs.values()]
    micro_batches = tuple(
        tuple((names[index], tree) for index, tree in trees)
        for trees in pack_jointly(packings, joint_budget(list(jobs.values()), packings))
    )
    return JointStep({name: _step_of(name, jobs[name], micro_batches) for name in names}, micro_batches)


def joint_budget(jobs: Sequence[Training], packings: Sequence[Packing]) -> int:
    """Tokens of a joint micro-batch: on a CPU as many as the largest one of any job alone, so that company costs
    no memory; elsewhere, where every further token is cheaper, as many as each job allows."""
    allowed = min(job.plan.budget_tokens for job in jobs)
    if next(jobs[0].adapter.model.parameters()).device.type != "cpu":
        return allowed
    largest = max(tokens for packing in packings for tokens in packing.computed_tokens)
    return min(allowed, max(largest, FULL_RATE_TOKENS))


def _step_of(name: str, job: Training, micro_batches: Sequence[Sequence[Part]]) -> Step:
    examples = tuple(job.plan.examples[index] for index in job.plan.members(job.progress.step))
    weight = sum(branch.trained_weight for example in examples for branch in example.branches)
    return Step(tuple(tree for parts in micro_batches for owner, tree in parts if owner == name), examples, weight)
