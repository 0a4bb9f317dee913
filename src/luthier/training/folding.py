"""What folding spares over a whole run, in numbers and in sentences, before anything is trained."""

from collections.abc import Sequence
from dataclasses import dataclass

from luthier.tokens import Fork, Packing
from luthier.training.steps import StepPlan

SAMPLED_STEPS = 64


@dataclass(frozen=True)
class FoldingSummary:
    """Tokens over all steps. Given tokens are counted; computed tokens too if every step was planned, else they are
    the share found in ``planned_steps`` steps, spread evenly over the run."""

    given_tokens: int
    computed_tokens: int
    planned_steps: int
    steps: int
    reasons: tuple[str, ...]

    @property
    def is_exact(self) -> bool:
        return self.planned_steps == self.steps


def folding_summary(plan: StepPlan, most_steps: int = SAMPLED_STEPS) -> FoldingSummary:
    """Plan up to ``most_steps`` steps (a few milliseconds each) and say what is shared in them, and what is not."""
    count = min(plan.steps, most_steps)
    packings = [plan.packing(index * plan.steps // count) for index in range(count)]
    given = sum(packing.given_tokens for packing in packings)
    computed = sum(sum(packing.computed_tokens) for packing in packings)
    total = _given_tokens(plan)
    return FoldingSummary(
        given_tokens=total,
        computed_tokens=computed if count == plan.steps else round(total * computed / max(given, 1)),
        planned_steps=count,
        steps=plan.steps,
        reasons=_reasons(plan, packings, given, computed),
    )


def _given_tokens(plan: StepPlan) -> int:
    """Exact: whole epochs at once, the examples of a broken last one singly."""
    tokens = [sum(len(branch.ids) for branch in example.branches) for example in plan.examples]
    epochs, rest = divmod(plan.steps, plan.steps_per_epoch)
    broken = range(plan.steps - rest, plan.steps)
    return epochs * sum(tokens) + sum(tokens[index] for step in broken for index in plan.members(step))


def _reasons(plan: StepPlan, packings: Sequence[Packing], given: int, computed: int) -> tuple[str, ...]:
    if not plan.is_folded:
        return ("nothing is shared: training.fold is false",)
    counted = f"all {plan.steps:,} steps" if len(packings) == plan.steps else f"{len(packings)} of {plan.steps:,} steps"
    said = [f"counted in {counted}: {computed:,} of {given:,} tokens are computed"]
    forks = [fork for packing in packings for fork in packing.sharing.forks]
    return tuple(
        said + _say_largest(packings) + _say_riders(packings) + _say_repeats(packings) + _say_unshared(forks, plan)
    )


def _say_largest(packings: Sequence[Packing]) -> list[str]:
    """The beginning that spares most, in the first step that has it."""
    found = [
        (fork.saved_tokens, -place, fork, packing)
        for place, packing in enumerate(packings)
        for fork in packing.sharing.forks
        if fork.is_shared
    ]
    if not found:
        return ["no two rows of a step begin alike for long enough to share it"]
    _, _, fork, packing = max(found, key=lambda entry: entry[:2])
    saved = sum(fork.saved_tokens for _, _, fork, _ in found)
    return [
        f"{len(found):,} shared beginnings are computed once and spare {saved:,} tokens; the largest: "
        f"{fork.rows} of {len(packing.leaves.branches)} rows of a step share {fork.tokens:,} tokens"
    ]


def _say_riders(packings: Sequence[Packing]) -> list[str]:
    """Rows that need no tokens of their own."""
    riders = sum(len(packing.leaves.branches) - len(packing.leaves) for packing in packings)
    return [f"{riders:,} rows repeat or begin another row of their step: nothing to compute"] if riders else []


def _say_repeats(packings: Sequence[Packing]) -> list[str]:
    """What cutting into micro-batches costs."""
    repeated = sum(packing.repeated_tokens for packing in packings)
    cuts = sum(len(packing.cuts) - 2 for packing in packings)
    return (
        [f"{repeated:,} shared tokens are computed again in another micro-batch, at {cuts:,} cuts"] if repeated else []
    )


def _say_unshared(forks: Sequence[Fork], plan: StepPlan) -> list[str]:
    """Beginnings too short to pay."""
    short = sorted(fork.run_tokens for fork in forks if not fork.is_shared)
    if not short:
        return []
    span = f"{short[0]}" if short[0] == short[-1] else f"{short[0]}–{short[-1]}"
    noun = "token" if span == "1" else "tokens"
    cost = f"{plan.fork_tokens:.1f}".removesuffix(".0")
    return [f"{len(short):,} beginnings of {span} {noun} were not shared: a fork costs as much as {cost} tokens"]
