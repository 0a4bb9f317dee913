"""The plan of a tree takes the compiled kernel where it can serve, and both ways give the same numbers."""

import pytest
import torch

from luthier.kernels import open_kernels
from luthier.models import tree_attention
from luthier.models.attention import LayerRules
from luthier.models.tree_attention import plan_tree
from luthier.tokens import fold
from luthier.tokens.batch import to_batch
from tiny import random_branches

HEADS, KEY_HEADS, WIDTH, PADDING = 4, 2, 16, 5
SINKS = torch.linspace(-1, 1, HEADS)


def batch_of(count: int = 12):
    return to_batch(fold(random_branches(count, seed=1)))


def inputs_of(batch, kind=torch.float32):
    """Queries, keys and values as Transformers' models hand them over: heads before tokens, by transposition."""
    generator = torch.Generator().manual_seed(0)
    size = batch.tree.computed_tokens + PADDING
    return [
        torch.randn(1, size, heads, WIDTH, generator=generator).to(kind).transpose(1, 2).requires_grad_()
        for heads in (HEADS, KEY_HEADS, KEY_HEADS)
    ]


def attend(batch, inputs, rules):
    return plan_tree(batch, inputs[0].shape[2]).attend(0, *inputs, rules)


@pytest.mark.parametrize(
    "rules",
    [
        LayerRules(0.25),
        LayerRules(0.25, window=5),
        LayerRules(0.25, chunk=8),
        LayerRules(0.25, softcap=3.0),
        LayerRules(0.25, sinks_H=SINKS),
        LayerRules(0.25, window=7, softcap=3.0, sinks_H=SINKS),
    ],
    ids=["plain", "window", "chunk", "soft-capping", "sinks", "all"],
)
def test_the_kernel_equals_the_segments(rules, monkeypatch):
    batch = batch_of()
    inputs, tokens = inputs_of(batch), batch.tree.computed_tokens
    pull = torch.randn(1, HEADS, tokens, WIDTH, generator=torch.Generator().manual_seed(1))
    ours = attend(batch, inputs, rules)[:, :, :tokens]
    monkeypatch.setattr(tree_attention, "can_attend", lambda *inputs: False)
    expected = attend(batch, inputs, rules)[:, :, :tokens]
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)
    for left, right in zip(
        torch.autograd.grad(ours, inputs, pull), torch.autograd.grad(expected, inputs, pull), strict=True
    ):
        torch.testing.assert_close(left, right, rtol=1e-5, atol=1e-5)


def test_padding_stays_finite_and_takes_no_gradient():
    batch = batch_of()
    inputs, tokens = inputs_of(batch), batch.tree.computed_tokens
    output = attend(batch, inputs, LayerRules(0.25))
    gradients = torch.autograd.grad(output[:, :, :tokens].sum(), inputs)
    assert output.isfinite().all()
    assert not any(gradient[:, :, tokens:].any() for gradient in gradients)


def test_a_plan_works_out_only_the_way_that_is_taken():
    batch = batch_of()
    inputs, rules = inputs_of(batch), LayerRules(0.25)
    plan = plan_tree(batch, inputs[0].shape[2])
    plan.attend(0, *inputs, rules)
    is_native = open_kernels().library is not None
    assert [name for name in ("ranges", "segments") if name in vars(plan)] == ["ranges" if is_native else "segments"]


def test_other_number_formats_go_by_segments():
    batch = batch_of()
    plan = plan_tree(batch, batch.tree.computed_tokens + PADDING)
    plan.attend(0, *inputs_of(batch, torch.float64), LayerRules(0.25))
    assert "segments" in vars(plan) and "ranges" not in vars(plan)


def test_layers_of_one_reach_share_what_is_known_of_it():
    batch = batch_of()
    plan, inputs = plan_tree(batch, batch.tree.computed_tokens + PADDING), inputs_of(batch)
    for layer, window in enumerate([4, 4]):
        plan.attend(layer, *inputs, LayerRules(0.25, window=window))
    assert len(plan.lowest or plan.segments.groups[0].biases) == 1
