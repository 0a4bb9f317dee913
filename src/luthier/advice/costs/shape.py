"""The sizes of a decoder that decide its arithmetic, read from config.json: dense, grouped heads, experts, latent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luthier.errors import ModelError

# Feed-forwards of two matrices; all other families that Transformers carries today use three (gated).
_TWO_MATRIX_FAMILIES = {"gpt2", "gpt_neox", "gptj", "opt", "phi", "bloom", "falcon", "codegen", "gpt_bigcode", "mpt"}


@dataclass(frozen=True)
class LatentAttention:
    """Sizes of multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1)."""

    query_rank: int | None
    key_value_rank: int
    rotary_size: int


@dataclass(frozen=True)
class Layer:
    """One decoder layer. ``window`` is the number of tokens seen back, None for all.

    ``experts`` is how many routed experts a token passes, out of ``routed_from``, each of ``expert_width`` as are the
    ``shared`` ones; 0 is a dense feed-forward of ``width``.
    """

    window: int | None
    width: int
    experts: int = 0
    expert_width: int = 0
    routed_from: int = 0
    shared: int = 0


@dataclass(frozen=True)
class ModelShape:
    """``key_size`` and ``value_size`` are per head; ``matrices`` is how many a feed-forward has (2, or 3 if gated)."""

    hidden_size: int
    vocabulary: int
    heads: int
    key_value_heads: int
    key_size: int
    value_size: int
    matrices: int
    layers: tuple[Layer, ...]
    latent: LatentAttention | None = None


def shape_of(config: Mapping[str, Any]) -> ModelShape:
    """The shape that a Transformers configuration describes; raises ModelError where sizes are missing."""
    text = config.get("text_config") or config
    try:
        return _shape(text)
    except (KeyError, TypeError) as error:
        raise ModelError(
            f"config.json does not say {error}",
            expected="a decoder of transformer layers with hidden_size, num_hidden_layers, num_attention_heads, ...",
            fix="operations cannot be counted for this model; minutes and memory are measured all the same",
        ) from None


def _shape(text: Mapping[str, Any]) -> ModelShape:
    hidden = _first(text, "hidden_size", "n_embd", "d_model")
    heads = _first(text, "num_attention_heads", "n_head", "n_heads")
    count = _first(text, "num_hidden_layers", "n_layer", "n_layers")
    latent, key_size = None, text.get("head_dim") or hidden // heads
    value_size = key_size
    if text.get("kv_lora_rank"):
        rotary = text["qk_rope_head_dim"]
        latent = LatentAttention(text.get("q_lora_rank"), text["kv_lora_rank"], rotary)
        key_size, value_size = text["qk_nope_head_dim"] + rotary, text["v_head_dim"]
    two = text.get("model_type") in _TWO_MATRIX_FAMILIES
    return ModelShape(
        hidden_size=hidden,
        vocabulary=text["vocab_size"],
        heads=heads,
        key_value_heads=text.get("num_key_value_heads") or heads,
        key_size=key_size,
        value_size=value_size,
        matrices=2 if two else 3,
        layers=tuple(_layer(text, index, hidden) for index in range(count)),
        latent=latent,
    )


def _layer(text: Mapping[str, Any], index: int, hidden: int) -> Layer:
    dense = text.get("intermediate_size_mlp") or text.get("intermediate_size") or text.get("n_inner") or 4 * hidden
    window = text.get("sliding_window") if _has_window(text, index) else None
    routed = text.get("num_local_experts") or text.get("n_routed_experts") or text.get("num_experts") or 0
    if not routed or not _has_experts(text, index):
        return Layer(window, dense)
    width = text.get("moe_intermediate_size") or text["intermediate_size"]
    shared = text.get("n_shared_experts") or (1 if text.get("model_type") in ("llama4", "llama4_text") else 0)
    chosen = text.get("num_experts_per_tok") or text["top_k"]
    return Layer(window, dense, chosen, width, routed, shared)


def _has_window(text: Mapping[str, Any], index: int) -> bool:
    kinds = text.get("layer_types")
    if kinds:
        return kinds[index] == "sliding_attention"
    return bool(text.get("sliding_window")) and text.get("use_sliding_window", True)


def _has_experts(text: Mapping[str, Any], index: int) -> bool:
    if text.get("moe_layers") is not None:
        return index in text["moe_layers"]
    if index in (text.get("mlp_only_layers") or ()) or index < (text.get("first_k_dense_replace") or 0):
        return False
    step = text.get("interleave_moe_layer_step") or text.get("decoder_sparse_step") or 1
    return (index + 1) % step == 0


def _first(text: Mapping[str, Any], *names: str) -> int:
    for name in names:
        if text.get(name):
            return int(text[name])
    raise KeyError(names[0])
