"""Tiny random models of the families luthier promises to carry, built from Transformers' own configurations.

Windows and chunks are shorter than the trees the tests draw, so that every rule of visibility is at work.
"""

from collections.abc import Callable
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from luthier.models import open_doorway
from tiny import VOCABULARY

WINDOW = 6
SMALL: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "pad_token_id": None,
    "bos_token_id": None,
    "eos_token_id": 1,
}
HEADS: dict[str, Any] = {"head_dim": 8}
ALTERNATING = ["sliding_attention", "full_attention"]
EXPERTS: dict[str, Any] = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 12}
LOCAL_EXPERTS: dict[str, Any] = {"num_local_experts": 4, "num_experts_per_tok": 2}
LATENT: dict[str, Any] = {  # DeepSeek's attention: keys are 12 wide, values 10
    "q_lora_rank": 12,
    "kv_lora_rank": 8,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 8,
    "v_head_dim": 10,
}
DEEPSEEK: dict[str, Any] = {
    **LATENT,
    "num_key_value_heads": 4,
    "moe_intermediate_size": 12,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "n_group": 2,
    "topk_group": 1,
    "first_k_dense_replace": 1,
}
PER_LAYER_INPUT: dict[str, Any] = {"vocab_size_per_layer_input": VOCABULARY, "hidden_size_per_layer_input": 4}
SHARED_KEYS: dict[str, Any] = {
    "num_hidden_layers": 4,
    "layer_types": [*ALTERNATING, *ALTERNATING],
    "num_kv_shared_layers": 2,
    "sliding_window": WINDOW,
}
MAMBA: dict[str, Any] = {"mamba_d_state": 4, "mamba_d_conv": 3, "mamba_n_heads": 4, "mamba_chunk_size": 8}
YARN: dict[str, Any] = {
    "rope_type": "yarn",
    "rope_theta": 1e4,
    "factor": 4.0,
    "original_max_position_embeddings": 16,
}
LLAMA4: dict[str, Any] = {
    **HEADS,
    "intermediate_size_mlp": 24,
    "num_hidden_layers": 3,
    "no_rope_layers": [1, 0, 1],
    "layer_types": ["chunked_attention", "full_attention", "chunked_attention"],
    "moe_layers": [1, 2],
    "attention_chunk_size": WINDOW,
    "floor_scale": 3,
    "num_local_experts": 4,
}

# With weights as large as the others' Transformers' own float32 gradients lie 1.5e-5 from its float64 ones, more than
# the tests allow us; so softened, 3e-6.
ILL_CONDITIONED = frozenset({"gemma3n_text", "gemma4_text"})

FOLDING: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {}),
    "llama with YaRN": ("llama", {"rope_parameters": YARN}),
    "llama 4": ("llama4_text", LLAMA4),
    "qwen 2": ("qwen2", {}),
    "qwen 3": ("qwen3", HEADS),
    "qwen 3 moe": ("qwen3_moe", {**HEADS, **EXPERTS, "mlp_only_layers": [0]}),
    "gemma 2": (
        "gemma2",
        {**HEADS, "sliding_window": WINDOW, "attn_logit_softcapping": 20.0, "final_logit_softcapping": 5.0},
    ),
    "gemma 3": ("gemma3_text", {**HEADS, "sliding_window": WINDOW, "layer_types": ALTERNATING}),
    "gemma 3n": (
        "gemma3n_text",
        {
            **HEADS,
            **PER_LAYER_INPUT,
            **SHARED_KEYS,
            "laurel_rank": 4,
            "activation_sparsity_pattern": [0.5, 0.0, 0.0, 0.0],
        },
    ),
    "gemma 4": ("gemma4_text", {**HEADS, **PER_LAYER_INPUT, **SHARED_KEYS, "global_head_dim": 16}),
    "gemma 4 moe": (
        "gemma4_text",
        {
            **HEADS,
            **PER_LAYER_INPUT,
            "layer_types": ALTERNATING,
            "sliding_window": WINDOW,
            "global_head_dim": 16,
            "attention_k_eq_v": True,
            "num_global_key_value_heads": 1,
            "enable_moe_block": True,
            "num_experts": 4,
            "top_k_experts": 2,
            "moe_intermediate_size": 12,
        },
    ),
    "deepseek v3": ("deepseek_v3", DEEPSEEK),
    "deepseek v2": ("deepseek_v2", {**DEEPSEEK, "topk_method": "greedy"}),
    "mistral": ("mistral", {**HEADS, "sliding_window": WINDOW}),
    "ministral 3": ("ministral3", HEADS),
    "qwen 2 moe": (
        "qwen2_moe",
        {
            **EXPERTS,
            "shared_expert_intermediate_size": 12,
            "sliding_window": WINDOW,
            "layer_types": ALTERNATING,
            "use_sliding_window": True,
        },
    ),
    "mixtral": ("mixtral", {**LOCAL_EXPERTS, "sliding_window": WINDOW}),
    "phi": ("phi", {"partial_rotary_factor": 0.5, "qk_layernorm": True}),
    "phi 3 and 4": ("phi3", {"sliding_window": WINDOW}),
    "gpt-oss": ("gpt_oss", {**HEADS, **LOCAL_EXPERTS, "sliding_window": WINDOW, "layer_types": ALTERNATING}),
    "granite": ("granite", {"logits_scaling": 3.0, "attention_multiplier": 0.3, "residual_multiplier": 0.7}),
    "granite moe": ("granitemoe", {**LOCAL_EXPERTS, "logits_scaling": 3.0}),
    "cohere": ("cohere", {"logit_scale": 0.3, "use_qk_norm": True}),
    "cohere 2": ("cohere2", {**HEADS, "logit_scale": 0.3, "sliding_window": WINDOW, "layer_types": ALTERNATING}),
    "smollm 3": ("smollm3", {"no_rope_layers": [1, 0], "use_sliding_window": False}),
    "olmo 2": ("olmo2", {}),
    "olmo 3": ("olmo3", {"sliding_window": WINDOW, "layer_types": ALTERNATING}),
    "glm 4": ("glm4", HEADS),
}
UNROLLED: dict[str, tuple[str, dict[str, Any]]] = {
    "mamba": ("mamba", {"state_size": 4, "conv_kernel": 3, "use_mambapy": False}),
    "mamba 2": ("mamba2", {"num_heads": 4, "head_dim": 8, "state_size": 4, "n_groups": 2, "chunk_size": 8}),
    "falcon h1": ("falcon_h1", {**MAMBA, "mamba_d_ssm": 32, "mamba_d_head": 8, "mamba_n_groups": 2}),
    "qwen 3 next": (
        "qwen3_next",
        {
            **HEADS,
            **EXPERTS,
            "layer_types": ["linear_attention", "full_attention"],
            "shared_expert_intermediate_size": 12,
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 4,
            "linear_key_head_dim": 8,
            "linear_value_head_dim": 8,
            "linear_conv_kernel_dim": 3,
        },
    ),
    "qwen 3.5": (
        "qwen3_5_text",
        {
            **HEADS,
            "layer_types": ["linear_attention", "full_attention"],
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 4,
            "linear_key_head_dim": 8,
            "linear_value_head_dim": 8,
            "linear_conv_kernel_dim": 3,
        },
    ),
    "jamba": (
        "jamba",
        {
            "attn_layer_period": 2,
            "attn_layer_offset": 1,
            "num_experts": 4,
            "mamba_d_state": 4,
            "mamba_d_conv": 3,
            "mamba_dt_rank": 4,
            "use_mamba_kernels": False,
        },
    ),
    "granite 4": (
        "granitemoehybrid",
        {
            **LOCAL_EXPERTS,
            **MAMBA,
            "mamba_d_head": 8,
            "layer_types": ["mamba", "attention"],
            "shared_intermediate_size": 12,
            "logits_scaling": 3.0,
        },
    ),
    "lfm 2": (
        "lfm2",
        {"layer_types": ["conv", "full_attention"], "conv_L_cache": 3, "block_auto_adjust_ff_dim": False},
    ),
}


def tiny_pair(family: str) -> tuple[torch.nn.Module, torch.nn.Module]:
    """One random model twice: with our attention, and as Transformers alone would run it."""
    model_type, changes = (FOLDING | UNROLLED)[family]
    return build(model_type, changes, "luthier"), build(model_type, changes, "eager")


def build(model_type: str, changes: dict[str, Any], attention: str) -> Any:
    """Weights depend on the configuration alone. They are enlarged so that attention is far from uniform."""
    open_doorway()
    torch.manual_seed(0)
    config_class: Callable[..., Any] = CONFIG_MAPPING[model_type]
    model = AutoModelForCausalLM.from_config(config_class(**(SMALL | changes)), attn_implementation=attention)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
            if name.endswith("A_log"):  # decay slowly, so that a state reaches far
                parameter.uniform_(-4.0, -2.0)
            if name.endswith("q_norm.weight"):
                parameter.mul_(0.3)
            is_matrix = parameter.dim() > 1 and not name.endswith("embed_tokens.weight")
            if model_type in ILL_CONDITIONED and (is_matrix or name.endswith("q_norm.weight")):
                parameter.mul_(0.3)
    return model.eval()
