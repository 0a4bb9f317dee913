"""Right tokens are counted exactly: folded, cut, unrolled, with a bias, they are what the obvious way counts."""

from __future__ import annotations

import pytest
import torch

from luthier.models import RightTokens, tree_log_probs
from luthier.models.fold_probe import folding_of
from luthier.models.unrolled import unrolled_log_probs
from luthier.tokens import Branch
from luthier.tokens.batch import to_batch
from luthier.training import make_step
from luthier.training.steps import TrainingExample
from tiny import random_branches, tiny_llama


def learnt_by_heart(model: torch.nn.Module, branches: list[Branch]) -> list[Branch]:
    """The same branches, with some trained tokens replaced by what ``model`` (on Transformers' path) would choose."""
    changed = []
    for branch in branches:
        ids = list(branch.ids)
        for place in range(len(ids) - 3, len(ids), 2):
            ids[place] = int(model(input_ids=torch.tensor([ids[:place]])).logits[0, -1].argmax())
        changed.append(Branch(tuple(ids), branch.weights))
    return changed


def obvious_count(model: torch.nn.Module, branches: list[Branch]) -> int:
    right = 0
    for branch in branches:
        chosen = model(input_ids=torch.tensor([branch.ids])).logits[0].argmax(dim=-1)
        right += sum(
            weight > 0 and int(chosen[place - 1]) == branch.ids[place] for place, weight in enumerate(branch.weights)
        )
    return right


@torch.no_grad()
@pytest.mark.parametrize("budget", [10_000, 60])
def test_the_count_is_the_obvious_one_however_trees_are_folded_and_cut(budget: int):
    model, plain = tiny_llama(), tiny_llama(attention="sdpa")
    branches = learnt_by_heart(plain, random_branches(9))
    expected = obvious_count(plain, branches)
    step = make_step([TrainingExample((branch,), "row") for branch in branches], budget, True)
    right = RightTokens()
    for tree in step.trees:
        tree_log_probs(model, to_batch(tree), right=right)
    assert 0 < expected < 9 * 4 and right.count == expected


@torch.no_grad()
def test_unrolled_rows_count_alike():
    model, plain = tiny_llama(), tiny_llama(attention="sdpa")
    branches = learnt_by_heart(plain, random_branches(6))
    (tree,) = make_step([TrainingExample((branch,), "row") for branch in branches], 10_000, True).trees
    right = RightTokens()
    unrolled_log_probs(model, to_batch(tree), folding_of(model), right)
    assert right.count == obvious_count(plain, branches)


def test_counting_changes_no_gradient():
    gradients = []
    for right in (None, RightTokens()):
        model = tiny_llama()
        (tree,) = make_step([TrainingExample((branch,), "row") for branch in random_branches(4)], 10_000, True).trees
        tree_log_probs(model, to_batch(tree), right=right).sum().backward()
        gradients.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))
