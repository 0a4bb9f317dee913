"""Every family of docs/models.md against Transformers' own unpadded row-by-row loop: the loss and every gradient."""

import copy
import random

import pytest
import torch

from luthier.models import folding_of, tree_log_probs
from luthier.models.families import TESTED_FOLDED, TESTED_UNROLLED
from luthier.models.folding import Folding
from luthier.models.fusing import fuse
from luthier.models.unrolled import unrolled_log_probs
from luthier.objectives import sft_loss_sum
from luthier.tokens import Branch, pack
from luthier.tokens.batch import to_batch
from models.architectures import FOLDING, UNROLLED, WINDOW, tiny_pair
from tiny import VOCABULARY, row_by_row_loss

TOLERANCE = 1e-5


def forked_branches(seed: int = 0) -> list[Branch]:
    """Three levels: all share a beginning, threes share a middle, each ends by itself; and one stranger."""
    rng = random.Random(seed)

    def draw(count: int) -> list[int]:
        return [rng.randrange(VOCABULARY) for _ in range(count)]

    beginning = draw(11)
    rows = []
    for _ in range(2):
        middle = draw(9)
        rows += [beginning + middle + draw(rng.randint(3, 12)) for _ in range(3)]
    rows.append(draw(13))
    return [Branch(tuple(row), tuple([0.0] * 4 + [rng.choice([0.0, 1.0, 0.5]) for _ in row[4:]])) for row in rows]


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def tree_loss(model, branches, is_folded=True, spares_unread=False):
    total = torch.zeros(())
    for tree in pack(branches, 1000, is_folded):
        batch = to_batch(tree)
        total = total + sft_loss_sum(tree_log_probs(model, batch, spares_unread=spares_unread), batch.weights_P)
    return total


def rows_loss(model, branches):
    batch = to_batch(pack(branches, 1000)[0])
    return sft_loss_sum(unrolled_log_probs(model, batch, Folding("rows", "")), batch.weights_P)


def assert_same(model, loss, truth):
    """Largest difference over largest entry, tensor by tensor."""
    expected_loss, expected = truth
    assert loss.item() == pytest.approx(expected_loss, rel=TOLERANCE)
    found = gradients(model, loss)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        error = float((found[name] - gradient).abs().max() / gradient.abs().max().clamp_min(1e-30))
        assert error <= TOLERANCE, f"{name}: {error:.1e}"


@pytest.fixture(scope="module", params=[*FOLDING, *UNROLLED])
def family(request):
    """A model of this family, and what Transformers alone makes of the branches, row by row."""
    ours, theirs = tiny_pair(request.param)
    expected = row_by_row_loss(theirs, forked_branches())
    return request.param, ours, (expected.item(), gradients(theirs, expected))


def test_a_tree_has_the_loss_and_gradients_of_single_rows(family):
    _, model, truth = family
    assert_same(model, tree_loss(model, forked_branches()), truth)


def test_kernels_and_a_spared_last_network_change_nothing(family):
    """As a run has it: what is read last runs for read tokens only, and kernels stand where they agree."""
    _, model, truth = family
    swapped = copy.deepcopy(model)
    fuse(swapped)
    assert_same(swapped, tree_loss(swapped, forked_branches(), spares_unread=True), truth)


def test_unfolded_branches_in_one_row_have_the_loss_and_gradients_of_single_rows(family):
    _, model, truth = family
    assert_same(model, tree_loss(model, forked_branches(), is_folded=False), truth)


def test_branches_as_rows_of_their_own_have_the_loss_and_gradients_of_single_rows(family):
    _, model, truth = family
    assert_same(model, rows_loss(model, forked_branches()), truth)


def test_only_layers_of_attention_fold(family):
    name, model, _ = family
    folding = folding_of(model)
    assert folding.is_possible == (name in FOLDING)
    assert folding.keeps_state == (name in UNROLLED)


def test_windows_and_chunks_are_shorter_than_the_trees():
    assert max(len(branch.ids) for branch in forked_branches()) > 3 * WINDOW


def test_every_family_called_tested_is_tested():
    assert {model_type for model_type, _ in FOLDING.values()} == TESTED_FOLDED
    assert {model_type for model_type, _ in UNROLLED.values()} == TESTED_UNROLLED
