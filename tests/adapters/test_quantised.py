"""Bases in 4 bits: the numbers of bitsandbytes, the logits of PEFT over it, and no wide weight kept for later."""

import sys

import bitsandbytes as bnb
import pytest
import torch
from peft import PeftModel
from torch import nn

from luthier.adapters import QuantisedLinear, load_adapter, prepare_base, quantise_base
from luthier.errors import ModelError
from luthier.recipe import Lora
from tiny_adapters import IDS, METHODS, adapted, base_model, logits, shaken

# bitsandbytes' CPU kernel is right for rows of whole blocks of 64 alone.
WIDE = {"hidden_size": 64, "intermediate_size": 128}


def linear(inputs, outputs):
    torch.manual_seed(0)
    return nn.Linear(inputs, outputs).requires_grad_(False)


@pytest.mark.parametrize(("inputs", "outputs"), [(64, 64), (96, 32), (48, 20), (7, 9)])
def test_four_bits_come_near_the_weight_at_any_width(inputs, outputs):
    wide = linear(inputs, outputs)
    packed = QuantisedLinear(wide).weight.widened(torch.float32)
    assert (packed - wide.weight).norm() / wide.weight.norm() < 0.13


def test_the_numbers_are_those_of_bitsandbytes():
    wide = linear(128, 64)
    packed, state = bnb.functional.quantize_4bit(wide.weight.data, compress_statistics=True, quant_type="nf4")
    theirs = bnb.functional.dequantize_4bit(packed, state)
    assert torch.equal(QuantisedLinear(wide).weight.widened(torch.float32), theirs)


@pytest.mark.parametrize("name", ["qlora", "qdora"])
def test_peft_over_bitsandbytes_gives_the_same_logits(name, tmp_path):
    adapter = shaken(adapted(name, base_model(**WIDE)))
    adapter.save(tmp_path)
    base = base_model(**WIDE)
    for module in list(base.modules()):
        for leaf, child in list(module.named_children()):
            if isinstance(child, nn.Linear) and leaf != "lm_head":
                four_bits = bnb.nn.Linear4bit(
                    child.in_features, child.out_features, bias=False, compute_dtype=torch.float32, quant_type="nf4"
                )
                four_bits.weight = bnb.nn.Params4bit(child.weight.data, requires_grad=False, quant_type="nf4")
                setattr(module, leaf, four_bits.to("cpu"))
    base.is_loaded_in_4bit = True
    # In evaluation mode bitsandbytes rounds activations to bfloat16 on some CPUs.
    theirs = PeftModel.from_pretrained(base, str(tmp_path)).train()
    torch.testing.assert_close(logits(theirs), logits(adapter.model), rtol=1e-5, atol=1e-5)


def test_no_wide_weight_is_kept_for_the_backward_pass():
    model = base_model(**WIDE)
    adapter = adapted("qlora", model)
    shapes = []

    def note(tensor):
        shapes.append(tuple(tensor.shape))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        adapter.model.model(input_ids=IDS)
    assert not {(64, 64), (128, 64), (64, 128), (32, 64)} & set(shapes)


def test_it_takes_about_an_eighth_of_float32():
    wide, packed = linear(512, 512), QuantisedLinear(linear(512, 512))
    held = sum(
        buffer.numel() * buffer.element_size() for name, buffer in packed.named_buffers() if name != "scale_code"
    )
    assert held / (wide.weight.numel() * 4) == pytest.approx(1 / 8, rel=0.05)


def test_the_head_and_the_embeddings_stay_wide():
    model = base_model()
    assert quantise_base(model) == 14
    assert type(model.lm_head) is nn.Linear
    assert quantise_base(model) == 0


def test_a_loaded_adapter_meets_the_base_it_was_trained_on(tmp_path):
    adapter = shaken(adapted("qlora", base_model()))
    adapter.save(tmp_path)
    model = base_model()
    prepare_base(METHODS["qlora"], model)
    torch.testing.assert_close(logits(load_adapter(model, "base", tmp_path).model), logits(adapter.model))


def test_a_base_with_adapters_is_not_rounded_under_them():
    model = base_model()
    adapted("lora", model, "first")
    with pytest.raises(ModelError, match="rounding it to 4 bits"):
        adapted("qlora", model, "second")


def test_without_bitsandbytes_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    monkeypatch.setitem(sys.modules, "bitsandbytes.functional", None)
    with pytest.raises(ModelError, match="needs bitsandbytes") as caught:
        prepare_base(Lora(base_bits=4), base_model())
    assert "luthier[qlora]" in caught.value.fix
