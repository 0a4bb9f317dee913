"""FlexAttention's plan against the plan by segments: same outputs, same gradients; and its blocks against all pairs."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.attention import flex_attention as torch_flex

from luthier.models.attention import LayerRules
from luthier.models.flex_attention import BLOCK, plan_flex
from luthier.models.shapes import TOKENS, round_up
from luthier.models.tree_attention import plan_tree
from luthier.tokens import Branch, fold
from luthier.tokens.batch import TreeBatch, to_batch
from tiny import random_branches

SINKS = torch.tensor([0.3, -1.0, 2.0, 0.0])
REACHES = [(None, None), (5, None), (None, 8), (200, None)]


@pytest.fixture(autouse=True)
def _torch_lets_its_eager_path_differentiate_on_a_cpu(monkeypatch):
    """torch refuses, as its compiled CPU kernel has no backward; the eager reference has one. And it warns that
    eager is slow, which is no news here."""
    monkeypatch.setattr(torch_flex, "_validate_device", lambda *tensors: None)
    monkeypatch.setattr(torch_flex, "_warn_once", lambda *args, **kwargs: None)
    monkeypatch.setattr(torch_flex, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)


def batch_of(count: int = 12, seed: int = 0) -> TreeBatch:
    return to_batch(fold(random_branches(count, seed)))


def long_batch() -> TreeBatch:
    """Several blocks: a long beginning, branches of it, and a branch of its own."""
    branches = [(*[7] * 300, index, *[8] * 150) for index in range(3)] + [(9,) * 200]
    return to_batch(fold([Branch(ids, (0.0,) * len(ids)) for ids in branches]))


def size_of(batch: TreeBatch) -> int:
    return round_up(len(batch.ids_T), TOKENS)


def attend(plan, batch: TreeBatch, rules: LayerRules, value_width: int) -> tuple[torch.Tensor, ...]:
    """The output for the T tokens, and the gradients of query, key, value (and sinks) under random weights."""
    random = torch.Generator().manual_seed(0)
    widths = ((4, 16), (2, 16), (2, value_width))
    inputs = [torch.randn(1, heads, size_of(batch), width, generator=random) for heads, width in widths]
    if rules.sinks_H is not None:
        inputs.append(rules.sinks_H)
    for tensor in inputs:
        tensor.requires_grad_()
    output = plan.attend(0, *inputs[:3], rules)[:, :, : len(batch.ids_T)]
    total = (output * torch.randn(output.shape, generator=random)).sum()
    return output.detach(), *torch.autograd.grad(total, inputs)


@pytest.mark.parametrize(
    "rules",
    [
        LayerRules(0.25),
        LayerRules(0.3, window=5),
        LayerRules(0.25, chunk=8),
        LayerRules(0.25, softcap=2.0),
        LayerRules(0.25, sinks_H=SINKS),
        LayerRules(0.25, window=7, softcap=3.0, sinks_H=SINKS),
    ],
    ids=["plain", "window", "chunk", "soft-capping", "sinks", "all"],
)
@pytest.mark.parametrize("value_width", [16, 24])
def test_outputs_and_gradients_equal_those_by_segments(rules, value_width):
    batch = batch_of()
    ours = attend(plan_flex(batch, size_of(batch)), batch, rules, value_width)
    expected = attend(plan_tree(batch, size_of(batch)), batch, rules, value_width)
    for left, right in zip(ours, expected, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch", [long_batch(), batch_of(40)], ids=["long", "many"])
@pytest.mark.parametrize("reach", REACHES, ids=str)
def test_blocks_agree_with_all_pairs(batch, reach):
    mask: Any = plan_flex(batch, size_of(batch))._mask(*reach)
    pairs = torch_flex.create_mask(mask.mask_mod, None, None, *mask.seq_lengths, device="cpu")[0, 0]
    assert pairs.any(dim=1).all()
    listed, full = (listed_blocks(*found) for found in ((mask.kv_num_blocks, mask.kv_indices), full_of(mask)))
    for (query, key), block in blocks_of(pairs):
        assert full[query, key] == (block.numel() == BLOCK * BLOCK and bool(block.all()))
        assert listed[query, key] or full[query, key] or not block.any()


def test_without_a_reach_no_block_is_listed_in_vain():
    batch = long_batch()
    mask: Any = plan_flex(batch, size_of(batch))._mask(None, None)
    expected: Any = torch_flex.create_block_mask(mask.mask_mod, None, None, *mask.seq_lengths, device="cpu")
    assert torch.equal(mask.to_dense(), expected.to_dense())
    assert torch.equal(mask.full_kv_num_blocks, expected.full_kv_num_blocks)
    assert int(mask.full_kv_num_blocks.sum()) > 0


def full_of(mask: Any) -> tuple[torch.Tensor, torch.Tensor]:
    return mask.full_kv_num_blocks, mask.full_kv_indices


def listed_blocks(counts: torch.Tensor, order: torch.Tensor) -> np.ndarray:
    """``[Q, K]``: is this block among the first ``counts`` of its row?"""
    is_listed = np.zeros(order.shape[2:], dtype=bool)
    for query, count in enumerate(counts[0, 0].tolist()):
        is_listed[query, order[0, 0, query, :count].numpy()] = True
    return is_listed


def blocks_of(pairs: torch.Tensor):
    for query, rows in enumerate(pairs.split(BLOCK)):
        for key, block in enumerate(rows.split(BLOCK, dim=1)):
            yield (query, key), block


def test_the_mask_of_a_reach_is_made_once():
    plan = plan_flex(batch_of(), 256)
    assert plan._mask(4, None) is plan._mask(4, None)
