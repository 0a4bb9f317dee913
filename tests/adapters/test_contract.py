"""One contract for all methods: begins as identity, trains only itself, survives save and load; PEFT agrees."""

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from luthier.adapters import LoraAdapter, load_adapter, load_lora, put_on
from luthier.errors import ModelError
from luthier.recipe import Full, Lora
from tiny import tiny_llama

METHODS = [Lora(rank=4), Lora(rank=3, alpha=5.0, targets=("q_proj", "down_proj")), Full()]
IDS = torch.tensor([[3, 9, 27, 17, 51, 25]])


def logits(model):
    model.set_attn_implementation("sdpa")
    with torch.no_grad():
        return model(input_ids=IDS).logits


def shaken(adapter):
    """The adapter after something was learnt."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in adapter.parameters().values():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return adapter


def base_model():
    model = tiny_llama()
    return model.requires_grad_(False).eval()


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_begins_as_identity(method):
    expected = logits(base_model())
    adapter = put_on(method, base_model(), "base", seed=0)
    torch.testing.assert_close(logits(adapter.model), expected, rtol=0, atol=0)


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_trains_only_itself(method):
    adapter = put_on(method, base_model(), "base", seed=0)
    adapter.model.set_attn_implementation("sdpa")
    adapter.model(input_ids=IDS).logits.sum().backward()
    with_gradient = {id(p) for p in adapter.model.parameters() if p.grad is not None}
    assert with_gradient == {id(p) for p in adapter.parameters().values()}


def test_a_saved_adapter_loads_bit_equal_and_peft_gives_the_same_logits(tmp_path):
    adapter = shaken(put_on(Lora(rank=4), base_model(), "base", seed=0))
    expected = logits(adapter.model)
    adapter.save(tmp_path / "adapter")
    again = load_adapter(base_model(), "base", tmp_path / "adapter")
    for name, parameter in adapter.parameters().items():
        assert torch.equal(parameter, again.parameters()[name])
    with_peft = PeftModel.from_pretrained(base_model(), str(tmp_path / "adapter"))
    torch.testing.assert_close(logits(with_peft.base_model.model), expected, rtol=1e-5, atol=1e-5)


def test_a_full_model_loads_in_transformers_and_gives_the_same_logits(tmp_path):
    adapter = shaken(put_on(Full(), base_model(), "base", seed=0))
    expected = logits(adapter.model)
    adapter.save(tmp_path / "model")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "model", local_files_only=True)
    torch.testing.assert_close(logits(again), expected, rtol=0, atol=0)


def test_merging_lora_keeps_the_logits():
    adapter = shaken(put_on(Lora(rank=4), base_model(), "base", seed=0))
    assert isinstance(adapter, LoraAdapter)
    expected = logits(adapter.model)
    for name, layer in adapter.layers.items():
        parent, _, leaf = name.rpartition(".")
        setattr(adapter.model.get_submodule(parent), leaf, layer.merged())
    torch.testing.assert_close(logits(adapter.model), expected, rtol=1e-4, atol=1e-4)


def test_all_linear_leaves_the_head_alone():
    adapter = put_on(Lora(), base_model(), "base", seed=0)
    assert isinstance(adapter, LoraAdapter)
    assert len(adapter.layers) == 14
    assert not any("lm_head" in name for name in adapter.layers)


def test_an_unknown_target_is_refused_with_the_names_there_are():
    with pytest.raises(ModelError, match="query_proj") as caught:
        put_on(Lora(targets=("query_proj",)), base_model(), "base", seed=0)
    assert "q_proj" in caught.value.expected


def test_an_adapter_of_another_base_is_refused(tmp_path):
    put_on(Lora(targets=("q_proj", "k_proj")), base_model(), "base", seed=0).save(tmp_path)
    other = put_on(Lora(targets=("q_proj",)), base_model(), "base", seed=0)
    assert isinstance(other, LoraAdapter)

    with pytest.raises(ModelError, match="no layer of this base"):
        load_lora(tmp_path, other.layers)
