"""Small micro-batches foretell large ones: to a few percent of what is then counted."""

import pytest
import torch

from luthier.adapters import put_on
from luthier.models import head_chunk_rows, tree_log_probs
from luthier.objectives import sft_loss_sum
from luthier.recipe import Full, Lora
from luthier.tokens import Branch, pack
from luthier.tokens.batch import to_batch
from luthier.training.memory.probe import MicroBatchSize, Probed, StageBytes, _peaks, probe, size_of
from tiny import random_branches, tiny_llama

VOCABULARY = 64


def probed(method) -> Probed:
    adapter = put_on(method, tiny_llama().requires_grad_(False), "base", seed=0)

    def run(tree):
        batch = to_batch(tree)
        sft_loss_sum(tree_log_probs(adapter.model, batch), batch.weights_P).backward()

    return Probed(adapter.model, run, float)


def rows(count: int, tokens: int, seed: int = 0) -> list[Branch]:
    generator = torch.Generator().manual_seed(seed)
    half = tokens // 2
    weights = (0.0,) * half + (1.0,) * (tokens - half)
    return [
        Branch(tuple(torch.randint(VOCABULARY, (tokens,), generator=generator).tolist()), weights) for _ in range(count)
    ]


def whole(branches: list[Branch]):
    return pack(branches, 10**9)[0]


@pytest.mark.parametrize("method", [Lora(rank=2), Full()], ids=["lora", "full"])
@pytest.mark.parametrize(
    "branches",
    [rows(48, 64), rows(10, 200), random_branches(150, shared_tokens=60)],
    ids=["short rows", "long rows", "a shared beginning"],
)
def test_a_large_micro_batch_is_foretold_from_small_ones(method, branches):
    tree, job = whole(branches), probed(method)
    costs = probe(job, tree)
    chunk_rows = head_chunk_rows(job.model, torch.float32)
    foretold = max(cost.at(size_of(tree), chunk_rows) for cost in costs.values())
    counted = max(_peaks(job, tree).values())
    assert foretold == pytest.approx(counted, rel=0.1)


def test_sizes_are_counted_from_the_tree():
    tree = whole([Branch((1, 2, 3, 4), (0.0, 0.0, 1.0, 1.0)), Branch((5, 6), (0.0, 1.0))])
    size = size_of(tree)
    # Tokens and head rows are padded to whole multiples; a chain of n tokens has n (n + 1) / 2 pairs.
    assert size.pairs == 10 + 3
    assert size.tokens == size.head_rows >= 6


def test_the_head_holds_one_chunk_at_a_time():
    cost = StageBytes(constant=1.0, per_token=2.0, per_pair=0.5, per_head_row=10.0)
    assert cost.at(MicroBatchSize(tokens=10, pairs=4, head_rows=3), chunk_rows=100) == 1 + 20 + 2 + 30
    assert cost.at(MicroBatchSize(tokens=10, pairs=4, head_rows=300), chunk_rows=100) == 1 + 20 + 2 + 1000
