"""What is known of model families by name: data for `folding.py`, each line with a test or a reason."""

# Families whose gradients tests/models/test_families.py compares with Transformers' own: in trees, or in rows.
TESTED_FOLDED = frozenset(
    {
        "cohere",
        "cohere2",
        "deepseek_v2",
        "deepseek_v3",
        "gemma2",
        "gemma3_text",
        "gemma3n_text",
        "gemma4_text",
        "glm4",
        "gpt_oss",
        "granite",
        "granitemoe",
        "llama",
        "llama4_text",
        "ministral3",
        "mistral",
        "mixtral",
        "olmo2",
        "olmo3",
        "phi",
        "phi3",
        "qwen2",
        "qwen2_moe",
        "qwen3",
        "qwen3_moe",
        "smollm3",
    }
)
TESTED_UNROLLED = frozenset(
    {"falcon_h1", "granitemoehybrid", "jamba", "lfm2", "mamba", "mamba2", "qwen3_5_text", "qwen3_next"}
)
STATEFUL_LAYERS = frozenset({"linear_attention", "conv", "hybrid", "hybrid_sliding"})
# Attention to the best-scored keys alone chooses among all keys of the row; a probe's row is too short to show it.
KEY_CHOOSING_SETTINGS = ("index_topk", "indexer_types", "compress_rates", "sparse_attention_config")
KEY_CHOOSING_LAYERS = frozenset(
    {
        "compressed_sparse_attention",
        "heavily_compressed_attention",
        "indexed_attention",
        "minimax_m3_sparse",
        "reference_sliding_attention",
    }
)
