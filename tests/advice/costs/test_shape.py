"""Sizes read from configurations of every family; what is not a decoder is refused."""

import pytest

from luthier.advice.costs.shape import shape_of
from luthier.errors import ModelError

DENSE = {
    "vocab_size": 100,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
}


def test_heads_are_grouped_only_where_the_configuration_says_so():
    assert shape_of(DENSE).key_value_heads == 4
    assert shape_of(DENSE | {"num_key_value_heads": 2}).key_value_heads == 2


def test_the_text_part_of_a_multimodal_model_counts():
    assert shape_of({"model_type": "gemma3", "text_config": DENSE}).hidden_size == 64


def test_windows_are_per_layer():
    kinds = ["sliding_attention", "full_attention"] * 2
    shape = shape_of(DENSE | {"sliding_window": 8, "layer_types": kinds})
    assert [layer.window for layer in shape.layers] == [8, None, 8, None]
    assert shape_of(DENSE | {"sliding_window": 8, "use_sliding_window": False}).layers[0].window is None


def test_experts_lie_where_the_configuration_puts_them():
    experts = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
    sparse = shape_of(DENSE | experts | {"decoder_sparse_step": 2})
    assert [layer.experts for layer in sparse.layers] == [0, 2, 0, 2]
    dense_first = shape_of(DENSE | experts | {"first_k_dense_replace": 3, "n_shared_experts": 1})
    assert [layer.experts for layer in dense_first.layers] == [0, 0, 0, 2]
    assert dense_first.layers[3].shared == 1


def test_what_has_no_sizes_is_refused():
    with pytest.raises(ModelError, match="hidden_size"):
        shape_of({"vocab_size": 3})
