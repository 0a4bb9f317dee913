"""The text part of a model is found, whatever stands around it."""

import pytest
import torch
from transformers import AutoModelForCausalLM, Gemma3Config, LlamaModel

from luthier.errors import ModelError
from luthier.models import backbone_of, open_doorway
from models.architectures import FOLDING, SMALL, build
from models.test_families import assert_same, forked_branches, gradients, tree_loss
from tiny import row_by_row_loss, tiny_llama


def model_with_eyes(attention):
    open_doorway()
    torch.manual_seed(0)
    eyes = {
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    config = Gemma3Config(text_config=SMALL | FOLDING["gemma 3"][1] | {"pad_token_id": 0}, vision_config=eyes)
    return AutoModelForCausalLM.from_config(config, attn_implementation=attention).eval()


def test_a_model_with_eyes_is_trained_on_text_as_transformers_would():
    ours, theirs = model_with_eyes("luthier"), model_with_eyes("eager")
    assert type(backbone_of(ours)).__name__ == "Gemma3TextModel"
    expected = row_by_row_loss(theirs, forked_branches())
    assert_same(ours, tree_loss(ours, forked_branches()), (expected.item(), gradients(theirs, expected)))


@pytest.mark.parametrize("family", ["llama", "llama 4"])
def test_the_backbone_has_no_head(family):
    model = build(*FOLDING[family], "luthier")
    assert backbone_of(model) is model.model


def test_a_backbone_alone_is_no_language_model():
    with pytest.raises(ModelError, match="head"):
        backbone_of(LlamaModel(tiny_llama().config))
