"""Which examples meet in which optimizer step: drawn from the seed alone, before anything is folded or cut."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from luthier.tokens import Branch, TokenTree, pack


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

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.examples) // self.batch_examples)

    @property
    def steps(self) -> int:
        return max(1, round(self.steps_per_epoch * self.epochs))

    def members(self, step: int) -> list[int]:
        """Indices of the examples of a step, counted from 0."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = list(range(len(self.examples)))
        random.Random(f"{self.seed}-{epoch}").shuffle(order)
        return order[place * self.batch_examples : (place + 1) * self.batch_examples]

    def __call__(self, step: int) -> Step:
        return make_step([self.examples[i] for i in self.members(step)], self.budget_tokens, self.is_folded)


def make_step(examples: Sequence[TrainingExample], budget_tokens: int, is_folded: bool) -> Step:
    """Fold and cut the branches of ``examples``; the weight is counted over all of them first."""
    branches = [branch for example in examples for branch in example.branches]
    weight = sum(branch.trained_weight for branch in branches)
    return Step(tuple(pack(branches, budget_tokens, is_folded)), tuple(examples), weight)
