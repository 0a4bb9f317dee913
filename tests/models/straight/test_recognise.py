"""Layers of Llama's form are found, whatever the family calls itself; what differs in one thing is left alone."""

import pytest
from torch import nn
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from luthier.models.fusing import fuse
from luthier.models.straight import straight_of
from models.architectures import FOLDING, UNROLLED, tiny_pair
from tiny import tiny_llama

# Llama itself, and families that differ in biases, norms of heads, windows or experts in other layers.
STRAIGHT = {
    "llama": [0, 1],
    "llama with YaRN": [0, 1],
    "qwen 2": [0, 1],
    "qwen 3": [0, 1],
    "qwen 3 moe": [0],
    "mistral": [0, 1],
    "ministral 3": [0, 1],
    "smollm 3": [0],  # the other one turns no positions
}


@pytest.mark.parametrize("family", [*FOLDING, *UNROLLED])
def test_only_layers_of_the_form_run_straight(family):
    model, _ = tiny_pair(family)
    fuse(model)
    layers = next(module for name, module in model.named_modules() if name.endswith("layers"))
    assert [place for place, layer in enumerate(layers) if straight_of(layer)] == STRAIGHT.get(family, [])


class Louder(LlamaDecoderLayer):
    """Made of the same parts, and does one thing more."""

    def forward(self, *inputs, **named):
        return 2 * super().forward(*inputs, **named)


class Parallel(LlamaDecoderLayer):
    """Its network reads what its attention reads."""

    def forward(self, hidden_states, **named):
        attended, _ = self.self_attn(hidden_states=self.input_layernorm(hidden_states), **named)
        return hidden_states + attended + self.mlp(self.post_attention_layernorm(hidden_states))


def test_a_layer_that_does_more_than_its_parts_say_is_left_alone():
    model = tiny_llama()
    for layer, kind in zip(model.model.layers, (Louder, Parallel), strict=True):
        layer.__class__ = kind
    assert fuse(model).layers == 0


def test_what_hangs_elsewhere_in_the_layer_is_no_such_layer():
    model = tiny_llama()
    first, second = model.model.layers
    first.mlp.gate_proj = nn.Sequential(first.mlp.gate_proj)
    second.extra = nn.Linear(2, 2)
    assert fuse(model).layers == 0
