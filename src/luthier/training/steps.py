"""Which examples meet in which optimizer step: drawn from the seed alone, before anything is folded or cut."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from luthier.tokens import FORK_TOKENS, Branch, Packing, TokenTree, plan_packing


@dataclass(frozen=True)
class TrainingExample:
    """The branches of one conversation, and how to name it in messages ("train.jsonl, line 41")."""

    branches: tuple[Branch, ...]
    name: str


@dataclass(frozen=True)
class Step:
    """One optimizer step: trees to run, and what the summed loss is divided by."""

    trees: tuple[TokenTree, ...]
    examples: tuple[TrainingExample, ...]
    trained_weight: float


@dataclass(frozen=True)
class StepPlan:
    """All steps of a run as a pure function of their number; the last step of an epoch may be smaller."""

    examples: Sequence[TrainingExample]
    batch_examples: int
    epochs: float
    seed: int
    budget_tokens: int
    is_folded: bool = True
    fork_tokens: float = FORK_TOKENS
    # The order of the epoch last asked for: shuffling 100,000 rows takes longer than planning a step.
    _order: dict[int, list[int]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.examples) // self.batch_examples)

    @property
    def steps(self) -> int:
        return max(1, round(self.steps_per_epoch * self.epochs))

    def members(self, step: int) -> list[int]:
        """Indices of the examples of a step, counted from 0."""
        epoch, place = divmod(step, self.steps_per_epoch)
        return self._epoch_order(epoch)[place * self.batch_examples : (place + 1) * self.batch_examples]

    def packing(self, step: int) -> Packing:
        """What a step shares and where it is cut, without its trees: enough to count tokens."""
        examples = [self.examples[i] for i in self.members(step)]
        return plan_packing(branches_of(examples), self.budget_tokens, self.is_folded, self.fork_tokens)

    def __call__(self, step: int) -> Step:
        examples = [self.examples[i] for i in self.members(step)]
        return make_step(examples, self.budget_tokens, self.is_folded, self.fork_tokens)

    def _epoch_order(self, epoch: int) -> list[int]:
        order = self._order.get(epoch)
        if order is None:
            order = list(range(len(self.examples)))
            random.Random(f"{self.seed}-{epoch}").shuffle(order)
            self._order.clear()
            self._order[epoch] = order
        return order


def make_step(
    examples: Sequence[TrainingExample], budget_tokens: int, is_folded: bool, fork_tokens: float = FORK_TOKENS
) -> Step:
    """Fold and cut the branches of ``examples``; the weight is counted over all of them first."""
    branches = branches_of(examples)
    weight = sum(branch.trained_weight for branch in branches)
    packing = plan_packing(branches, budget_tokens, is_folded, fork_tokens)
    return Step(tuple(packing.trees()), tuple(examples), weight)


def branches_of(examples: Sequence[TrainingExample]) -> list[Branch]:
    return [branch for example in examples for branch in example.branches]
