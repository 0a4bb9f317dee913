"""Counted operations against torch's own counter, which sees every matrix product that really runs."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaForCausalLM

from benchmarks.operations import Sizes, count, count_spared, count_training
from luthier.tokens import Branch, fold
from tiny import VOCABULARY, tiny_llama

TOKENS = 96
TRAINED = 40
RANK = 4


class PlainLora(torch.nn.Module):
    """The obvious LoRA, whose every product torch's counter sees."""

    def __init__(self, frozen: torch.nn.Linear):
        super().__init__()
        self.frozen = frozen
        self.down = torch.nn.Linear(frozen.in_features, RANK, bias=False)
        self.up = torch.nn.Linear(RANK, frozen.out_features, bias=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.frozen(hidden) + self.up(self.down(hidden))


def with_lora(model: LlamaForCausalLM) -> LlamaForCausalLM:
    model.requires_grad_(False)
    for layer in model.model.layers:
        for block in (layer.self_attn, layer.mlp):
            for name, child in list(block.named_children()):
                if isinstance(child, torch.nn.Linear):
                    setattr(block, name, PlainLora(child))
    return model


def counted_by_torch(model: LlamaForCausalLM) -> float:
    """One chain through Transformers' own attention over whole rows of keys, and the head at trained tokens alone."""
    ids = torch.randint(VOCABULARY, (1, TOKENS))
    with FlopCounterMode(display=False) as counter:
        hidden = model.model(input_ids=ids).last_hidden_state[0, -TRAINED - 1 : -1]
        logits = torch.nn.functional.linear(hidden, model.lm_head.weight)
        torch.nn.functional.cross_entropy(logits, ids[0, -TRAINED:]).backward()
    return counter.get_total_flops()


def test_lora_is_counted_as_torch_counts_it():
    sizes = Sizes.of(tiny_llama().config)
    counted = count(sizes, TOKENS, TRAINED, TOKENS * TOKENS, RANK)
    assert counted.needed + counted.thin == pytest.approx(
        counted_by_torch(with_lora(tiny_llama(attention="eager"))), rel=0.02
    )


def test_full_tuning_is_counted_as_torch_counts_it():
    sizes = Sizes.of(tiny_llama().config)
    counted = count(sizes, TOKENS, TRAINED, TOKENS * TOKENS, None)
    assert counted.thin == 0
    assert counted.needed == pytest.approx(counted_by_torch(tiny_llama(attention="eager")), rel=0.02)


def test_a_shared_beginning_is_counted_once():
    sizes = Sizes.of(tiny_llama().config)
    shared = tuple(range(20))
    weights = (0.0,) * 20 + (1.0,) * 10
    branches = [Branch(shared + tuple(range(start, start + 10)), weights) for start in (30, 45)]

    folded = count_training(sizes, fold(branches), RANK)
    unrolled = count_training(sizes, fold(branches, None), RANK)

    assert folded.linear / unrolled.linear == pytest.approx(40 / 60)
    assert folded.head == unrolled.head
    assert unrolled.attention - folded.attention == 12 * (20 * 21 // 2) * 2 * 4 * 8


def test_pairs_of_a_chain_are_those_below_the_diagonal():
    sizes = Sizes.of(tiny_llama().config)
    chain = fold([Branch(tuple(range(10)), (0.0,) * 4 + (1.0,) * 6)])
    assert count_training(sizes, chain, RANK) == count(sizes, 10, 6, 55, RANK)


@pytest.mark.parametrize("rank", [RANK, None])
def test_what_nobody_reads_is_told_apart(rank):
    """Four tokens lead to six targets; the last target is never run, three tokens are run for their keys alone."""
    sizes = Sizes.of(tiny_llama().config)
    chain = fold([Branch(tuple(range(10)), (0.0,) * 4 + (1.0,) * 6)])
    passes = 2 if rank else 3
    unread = {"q_proj": 32 * 32, "o_proj": 32 * 32, "gate_proj": 32 * 48, "up_proj": 32 * 48, "down_proj": 48 * 32}
    keys = count(sizes, 1, 0, 0, rank).linear
    pairs = 12 * 32 * (2 * 10 + (1 + 2 + 3))
    assert count_spared(sizes, chain, rank) == keys + 2 * passes * 3 * sum(unread.values()) + pairs
