"""Llama's decoder, straight: the same kernels in the same order as through Transformers' modules, without what the
modules themselves cost, which in a step of few tokens is several times the arithmetic.

Only for layers that are known to be exactly this, each proven on random tokens beside the model's own code; all other
models go through that code. Shapes: N tokens of a step, D width, F inner width, H query heads, K key/value heads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from luthier.adapters import SlotRange
from luthier.generation.engine.memory import StepAttention, layer_shapes, open_memory
from luthier.generation.engine.served_terms import Product, ServedTerms, product_of
from luthier.kernels import (
    BLOCK_TOKENS,
    Activation,
    BlockPlaces,
    Blocks,
    gate_into,
    is_native,
    norm_into,
    rotate_into,
)
from luthier.models import GateRule, LayerRules, NormRule, backbone_of, rule_of

FAMILIES = frozenset({"llama", "mistral", "qwen2"})
LAYER = {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"}
ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj"}
GATED = {"gate_proj", "up_proj", "down_proj"}
TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Layer:
    """One decoder layer's parts as they are used."""

    before_D: torch.Tensor
    after_D: torch.Tensor
    query: Product
    key: Product
    value: Product
    output: Product
    gate: Product
    up: Product
    down: Product


class StraightDecoder:
    """``hidden`` gives what the backbone would. Made anew whenever an adapter comes or goes."""

    def __init__(self, model: torch.nn.Module, rules: Mapping[int, LayerRules], activation: Activation, epsilon: float):
        backbone = backbone_of(model)
        self.embed, self.rotary, self.norm = backbone.embed_tokens, backbone.rotary_emb, backbone.norm
        self.rules = rules
        self.activation: Activation = activation
        self.epsilon = epsilon
        self.terms = ServedTerms()
        self.layers = [_layer(layer, self.terms) for layer in backbone.layers]
        self.terms.close()
        self.width = backbone.layers[0].self_attn.head_dim

    def hidden(
        self,
        ids_N: torch.Tensor,
        position_N: torch.Tensor,
        memory: Mapping[int, Blocks],
        places: BlockPlaces,
        ranges: Sequence[SlotRange],
    ) -> torch.Tensor:
        """``[N, D]`` after the last norm. No autograd."""
        hidden_ND = self.embed(ids_N).clone()
        cos_BND, sin_BND = self.rotary(hidden_ND[None], position_ids=position_N[None])
        turns = cos_BND[0], sin_BND[0]
        attention = StepAttention(dict(memory), places)
        self.terms.lay_out(ranges)
        normed_ND, room_N = torch.empty_like(hidden_ND), torch.empty(len(hidden_ND))
        for number, layer in enumerate(self.layers):
            norm_into(hidden_ND, layer.before_D, normed_ND, room_N, self.epsilon, 0.0)
            hidden_ND += self._attended(layer, normed_ND, turns, attention, number)
            norm_into(hidden_ND, layer.after_D, normed_ND, room_N, self.epsilon, 0.0)
            gate_NF = layer.gate(normed_ND)
            gate_into(gate_NF, layer.up(normed_ND), gate_NF, self.activation)
            hidden_ND += layer.down(gate_NF)
        norm_into(hidden_ND, self.norm.weight, normed_ND, room_N, self.epsilon, 0.0)
        return normed_ND

    def _attended(
        self,
        layer: Layer,
        normed_ND: torch.Tensor,
        turns: tuple[torch.Tensor, torch.Tensor],
        attention: StepAttention,
        number: int,
    ) -> torch.Tensor:
        query_NX, key_NX = layer.query(normed_ND), layer.key(normed_ND)
        turned_query, turned_key = torch.empty_like(query_NX), torch.empty_like(key_NX)
        rotate_into(query_NX, *turns, turned_query)
        rotate_into(key_NX, *turns, turned_key)
        heads = (-1, self.width)
        new = turned_key.unflatten(1, heads), layer.value(normed_ND).unflatten(1, heads)
        output_NHE = attention.attend_rows(number, turned_query.unflatten(1, heads), new, self.rules[number])
        return layer.output(output_NHE.flatten(1))


def straight_decoder(model: torch.nn.Module, rules: Mapping[int, LayerRules]) -> StraightDecoder | None:
    """None where the model, as it is adapted now, is not such a decoder."""
    language_model: Any = model
    config: Any = language_model.config
    if config.model_type not in FAMILIES or not is_native(next(model.parameters())):
        return None
    backbone = backbone_of(model)
    if not all(_is_known(layer) for layer in backbone.layers) or len(backbone.layers) != config.num_hidden_layers:
        return None
    gate, plain = rule_of(backbone.layers[0].mlp), rule_of(backbone.norm)
    norms = [norm for layer in backbone.layers for norm in (layer.input_layernorm, layer.post_attention_layernorm)]
    if not isinstance(gate, GateRule) or not isinstance(plain, NormRule) or plain.offset:
        return None
    if any(rule_of(norm) != plain for norm in norms) or any(rule_of(layer.mlp) != gate for layer in backbone.layers):
        return None
    return StraightDecoder(model, rules, gate.activation, plain.epsilon)


@torch.inference_mode()
def agrees(straight: StraightDecoder, model: torch.nn.Module) -> bool:
    """Whether both give the same for two rows of random tokens."""
    random = torch.Generator().manual_seed(0)
    tokens = BLOCK_TOKENS + 3
    language_model: Any = model
    vocabulary = len(language_model.get_input_embeddings().weight)
    ids_N = torch.randint(vocabulary, (tokens,), generator=random)
    position_N = torch.cat([torch.arange(tokens - 4), torch.arange(4)])
    row_N = torch.tensor([0] * (tokens - 4) + [1] * 4, dtype=torch.int32)
    tables_RW = torch.tensor([[2, 0], [1, 3]], dtype=torch.int32)
    places = BlockPlaces(tables_RW, row_N, position_N.int())
    shapes = layer_shapes(model)
    found = straight.hidden(ids_N, position_N, open_memory(shapes, 4), places, ())
    expected = backbone_of(model)(
        input_ids=ids_N[None],
        position_ids=position_N[None],
        attention_plan=StepAttention(open_memory(shapes, 4), places),
        attention_positions=position_N[None],
        use_cache=False,
    ).last_hidden_state[0]
    tolerance = TOLERANCE if expected.dtype is torch.float32 else 4 * torch.finfo(expected.dtype).eps
    return bool((found.float() - expected.float()).abs().max() <= tolerance * expected.float().abs().max())


def _layer(layer: Any, terms: ServedTerms) -> Layer:
    attention, gated_unit = layer.self_attn, layer.mlp
    linears = [getattr(attention, name) for name in ("q_proj", "k_proj", "v_proj", "o_proj")]
    linears += [getattr(gated_unit, name) for name in ("gate_proj", "up_proj", "down_proj")]
    norms = layer.input_layernorm.weight, layer.post_attention_layernorm.weight
    return Layer(*norms, *(product_of(each, terms) for each in linears))


def _is_known(layer: Any) -> bool:
    """Nothing more and nothing less hangs in it than in Llama's."""
    return (
        {name for name, _ in layer.named_children()} == LAYER
        and {name for name, _ in layer.self_attn.named_children()} == ATTENTION
        and {name for name, _ in layer.mlp.named_children()} - {"act_fn"} == GATED
    )
