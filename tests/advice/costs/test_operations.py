"""The closed form against torch's own counter, on small models of every kind of shape."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM

from luthier.advice.costs.operations import (
    LoraShape,
    attended_pairs,
    forward_operations,
    operations_per_token,
    plain_work,
    training_operations,
)
from luthier.advice.costs.shape import shape_of

SMALL: dict[str, Any] = {
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GROUPED = SMALL | {"num_key_value_heads": 2}
EXPERTS = {"moe_intermediate_size": 48, "num_experts_per_tok": 2}
LATENT = {
    "kv_lora_rank": 24,
    "q_lora_rank": 40,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 16,
    "v_head_dim": 20,
    "n_routed_experts": 8,
    "n_shared_experts": 1,
    "n_group": 2,
    "topk_group": 1,
    "first_k_dense_replace": 1,
}
GPT2 = {"n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 512, "n_positions": 256, "bos_token_id": 1}
SHAPES: dict[str, dict[str, Any]] = {
    "llama": SMALL | {"num_key_value_heads": 4},
    "mistral": GROUPED | {"sliding_window": None},
    "qwen3": GROUPED | {"head_dim": 32},
    "gemma3_text": GROUPED | {"head_dim": 24, "num_key_value_heads": 1, "layer_types": ["full_attention"] * 2},
    "phi3": GROUPED,
    "gpt2": GPT2,
    "qwen3_moe": GROUPED | EXPERTS | {"num_experts": 8, "head_dim": 16},
    "mixtral": GROUPED | {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None},
    "deepseek_v3": SMALL | EXPERTS | LATENT | {"num_key_value_heads": 4},
}
TOKENS = 48
TOLERANCE = 0.02


def build(kind: str) -> Any:
    config = AutoConfig.for_model(kind, **SHAPES[kind])
    config._experts_implementation = "eager"
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config, attn_implementation="eager")


class Lora(torch.nn.Module):
    """A frozen linear beside a low-rank one: the plainest form there is."""

    def __init__(self, linear: torch.nn.Linear, rank: int):
        super().__init__()
        self.linear = linear
        self.down = torch.nn.Linear(linear.in_features, rank, bias=False)
        self.up = torch.nn.Linear(rank, linear.out_features, bias=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.linear(hidden) + self.up(self.down(hidden))


def put_lora_on(model: torch.nn.Module, rank: int) -> None:
    """On every linear but the head."""
    model.requires_grad_(False)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, torch.nn.Linear) and name != "lm_head":
                setattr(parent, name, Lora(child, rank))


def counted(model: Any, backward: bool) -> int:
    ids = torch.randint(3, 500, (2, TOKENS), generator=torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as counter:
        logits = model(input_ids=ids, use_cache=False).logits
        if backward:
            logits.sum().backward()
    return counter.get_total_flops()


@pytest.mark.parametrize("kind", SHAPES)
def test_a_forward_pass_is_counted_as_torch_counts_it(kind: str):
    work = plain_work([TOKENS, TOKENS], is_causal=False)
    formula = forward_operations(shape_of(build(kind).config.to_dict()), work)
    assert formula == pytest.approx(counted(build(kind), backward=False), rel=TOLERANCE)


@pytest.mark.parametrize("kind", SHAPES)
def test_a_step_of_full_tuning_is_counted_as_torch_counts_it(kind: str):
    work = plain_work([TOKENS, TOKENS], is_causal=False)
    formula = training_operations(shape_of(build(kind).config.to_dict()), work).total
    assert formula == pytest.approx(counted(build(kind), backward=True), rel=TOLERANCE)


@pytest.mark.parametrize("kind", ["llama", "mistral", "qwen3", "gemma3_text", "deepseek_v3"])
def test_a_step_of_lora_is_counted_as_torch_counts_it(kind: str):
    model = build(kind)
    shape = shape_of(model.config.to_dict())
    put_lora_on(model, rank=8)
    formula = training_operations(shape, plain_work([TOKENS, TOKENS], is_causal=False), LoraShape(8)).total
    assert formula == pytest.approx(counted(model, backward=True), rel=TOLERANCE)


def test_recomputing_activations_costs_one_more_forward():
    shape = shape_of(SHAPES["llama"])
    work = plain_work([TOKENS])
    plain, again = training_operations(shape, work), training_operations(shape, work, recomputes=True)
    assert again.total - plain.total == plain.forward


def test_a_causal_window_sees_itself_and_what_lies_just_before():
    pairs = sum(1 for query in range(10) for key in range(10) if key <= query < key + 4)
    assert attended_pairs(10, 4, is_causal=True) == pairs
    assert attended_pairs(10, None, is_causal=True) == 55
    assert attended_pairs(10, 4, is_causal=False) == 100


def test_a_head_at_few_tokens_is_cheaper():
    shape = shape_of(SHAPES["llama"])
    all_tokens, few = (forward_operations(shape, plain_work([TOKENS], head)) for head in (None, 4))
    assert all_tokens - few == 2 * (TOKENS - 4) * 64 * 512


def test_one_generated_token_is_one_column_of_a_forward():
    shape = shape_of(SHAPES["qwen3"])
    one = forward_operations(shape, plain_work([1], is_causal=True))
    assert operations_per_token(shape) == pytest.approx(one, rel=0.01)
