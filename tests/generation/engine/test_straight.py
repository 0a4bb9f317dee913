"""The straight pass gives, bit for bit, what Transformers' modules give, with and without adapters."""

from typing import Any

import pytest
import torch
from transformers import MistralConfig, MistralForCausalLM, Qwen2Config, Qwen2ForCausalLM

from luthier.adapters import SlotRange, SlotTable, load_adapter, put_on
from luthier.adapters.linears import Wrapper
from luthier.generation.engine.memory import StepAttention, layer_rules, layer_shapes, open_memory
from luthier.generation.engine.straight import agrees, straight_decoder
from luthier.kernels import BlockPlaces
from luthier.models import backbone_of, open_doorway
from luthier.models.fusing import fuse
from luthier.recipe import Bottleneck, Lora
from tiny import tiny_llama
from tiny_adapters import shaken

SIZES = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "sliding_window": 8,
    "attn_implementation": "luthier",
}


def llama(dtype=torch.float32):
    model: Any = tiny_llama().requires_grad_(False)
    model.to(dtype)
    fuse(model)
    return model


def decoder_of(model):
    with torch.inference_mode():
        return straight_decoder(model, layer_rules(model))


def both_ways(model, decoder, ranges=()):
    """Two rows, 20 and 5 tokens, one line."""
    shapes = layer_shapes(model)
    table = next((module.table for module in model.modules() if isinstance(module, Wrapper)), SlotTable())
    with torch.inference_mode(), table.holding(ranges):
        return _both_ways(model, decoder, shapes, ranges)


def _both_ways(model, decoder, shapes, ranges):
    ids_N = torch.randint(64, (25,), generator=torch.Generator().manual_seed(3))
    position_N = torch.cat([torch.arange(20), torch.arange(5)])
    row_N = torch.tensor([0] * 20 + [1] * 5, dtype=torch.int32)
    places = BlockPlaces(torch.tensor([[3, 0], [2, 1]], dtype=torch.int32), row_N, position_N.int())
    straight = decoder.hidden(ids_N, position_N, open_memory(shapes, 4), places, ranges)
    by_modules = backbone_of(model)(
        input_ids=ids_N[None],
        position_ids=position_N[None],
        attention_plan=StepAttention(open_memory(shapes, 4), places),
        attention_positions=position_N[None],
        use_cache=False,
    ).last_hidden_state[0]
    return straight, by_modules


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_llama_is_gone_through_straight_with_the_same_bits(dtype):
    model = llama(dtype)
    decoder = decoder_of(model)
    assert decoder is not None and agrees(decoder, model)
    assert torch.equal(*both_ways(model, decoder))


@pytest.mark.parametrize(
    "made", [lambda: MistralForCausalLM(MistralConfig(**SIZES)), lambda: Qwen2ForCausalLM(Qwen2Config(**SIZES))]
)
def test_windows_and_biases_are_kept(made):
    open_doorway()
    model = made().requires_grad_(False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    fuse(model)
    decoder = decoder_of(model)
    assert decoder is not None and agrees(decoder, model)
    assert torch.equal(*both_ways(model, decoder))


def test_adapters_of_different_layers_and_ranks_each_get_their_own_tokens(tmp_path):
    methods = [Lora(rank=4), Lora(rank=3, targets=("q_proj", "down_proj")), Lora(rank=2, layers=(1,))]
    model = llama()
    for number, method in enumerate(methods):
        adapter = shaken(put_on(method, tiny_llama().requires_grad_(False), "base", number), number)
        adapter.save(tmp_path / str(number))
        load_adapter(model, "base", tmp_path / str(number), f"s{number}").serve()
    ranges = [SlotRange("s2", 0, 7), SlotRange(None, 7, 11), SlotRange("s0", 11, 19), SlotRange("s1", 19, 25)]
    decoder = decoder_of(model)
    straight, by_modules = both_ways(model, decoder, ranges)
    bare = both_ways(llama(), decoder_of(llama()))[0]
    assert torch.equal(straight, by_modules)
    assert not torch.equal(straight, bare)


def test_an_adapter_that_hangs_elsewhere_goes_through_the_modules(tmp_path):
    model = llama()
    adapter = shaken(put_on(Bottleneck(width=3), tiny_llama().requires_grad_(False), "base", 1), 1)
    adapter.save(tmp_path)
    assert decoder_of(model) is not None
    load_adapter(model, "base", tmp_path, "s").serve()
    decoder = decoder_of(model)
    assert decoder is None or torch.equal(*both_ways(model, decoder, [SlotRange("s", 4, 22)]))


def test_a_layer_that_computes_otherwise_is_noticed():
    model = llama()
    decoder = decoder_of(model)
    assert decoder is not None
    attention = model.model.layers[1].self_attn
    original = attention.forward

    def warmer(*args, **kwargs):
        output, weights = original(*args, **kwargs)
        return output * 1.01, weights

    attention.forward = warmer
    assert not agrees(decoder, model)
