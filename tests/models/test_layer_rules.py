"""What a layer asks of attention is taken from where the model says it; what we do not know is refused."""

import pytest
import torch

from luthier.errors import ModelError
from luthier.models.layer_rules import chunk_of, refuse_unknown, window_of, with_true_temperature
from models.architectures import FOLDING, WINDOW, build


def attention_layers(family):
    return [layer.self_attn for layer in build(*FOLDING[family], "luthier").model.layers]


def test_a_window_is_read_where_the_call_does_not_name_it():
    assert [window_of(layer) for layer in attention_layers("qwen 2 moe")] == [WINDOW, None]


def test_a_chunk_is_read_from_the_configuration():
    assert [chunk_of(layer) for layer in attention_layers("llama 4")] == [WINDOW, None, WINDOW]


def test_a_row_that_is_one_sequence_keeps_its_temperature():
    layer = attention_layers("llama 4")[1]
    query_BHSD = torch.randn(1, 4, 9, 8)
    assert torch.equal(with_true_temperature(layer, query_BHSD, torch.arange(9)[None]), query_BHSD)


@pytest.mark.parametrize("other", [{"indices": torch.zeros(1)}, {"is_causal": False}, {"dropout": 0.1}])
def test_an_unknown_wish_is_refused_by_name(other):
    with pytest.raises(ModelError, match=next(iter(other))):
        refuse_unknown(other)


def test_what_changes_nothing_passes():
    refuse_unknown({"position_ids": torch.zeros(1), "dropout": 0.0, "is_causal": True, "output_attentions": False})
