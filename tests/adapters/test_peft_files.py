"""Adapters that PEFT wrote: read where luthier computes the same, refused where it does not."""

import json

import pytest
import torch
from peft import IA3Config, LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from luthier.adapters import load_adapter, put_on
from luthier.errors import ModelError
from luthier.recipe import Lora
from tiny_adapters import adapted, base_model, logits, shaken

EVERY_LINEAR = {"target_modules": "all-linear", "init_lora_weights": False}
PATTERNS = {
    "rank_pattern": {"layers.1.self_attn.q_proj": 2, "down_proj": 7},
    "alpha_pattern": {r"model\.layers\.0\.mlp\..*": 3, "o_proj": 32},
}
READ = {
    "plain": LoraConfig(r=4, lora_alpha=6, **EVERY_LINEAR),
    "rsLoRA": LoraConfig(r=4, lora_alpha=6, use_rslora=True, **EVERY_LINEAR),
    "DoRA": LoraConfig(r=4, lora_alpha=6, use_dora=True, **EVERY_LINEAR),
    "ranks and alphas by layer": LoraConfig(r=4, lora_alpha=6, **PATTERNS, **EVERY_LINEAR),
    "some layers": LoraConfig(r=4, target_modules=["v_proj"], layers_to_transform=[1], init_lora_weights=False),
    "tokens": LoraConfig(r=4, trainable_token_indices=[9, 51], **EVERY_LINEAR),
    "tokens in the head too": LoraConfig(
        r=4, trainable_token_indices={"embed_tokens": [9, 51], "lm_head": [9, 51]}, **EVERY_LINEAR
    ),
}
REFUSED = {
    "bias": LoraConfig(r=2, target_modules=["q_proj"], bias="all"),
    "modules_to_save": LoraConfig(r=2, target_modules=["q_proj"], modules_to_save=["lm_head"]),
    "pissa": LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights="pissa"),
    "IA3": IA3Config(target_modules=["k_proj"], feedforward_modules=[]),
    "other tokens in the head": LoraConfig(
        r=2, target_modules=["q_proj"], trainable_token_indices={"embed_tokens": [1], "lm_head": [2]}
    ),
}


def peft_model(config):
    torch.manual_seed(3)
    model = get_peft_model(base_model(), config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "trainable_tokens" in name or "magnitude" in name:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


@pytest.mark.parametrize("name", READ)
def test_what_peft_wrote_gives_the_same_logits(name, tmp_path):
    theirs = peft_model(READ[name])
    theirs.save_pretrained(tmp_path)
    ours = load_adapter(base_model(), "base", tmp_path)
    torch.testing.assert_close(logits(ours.model), logits(theirs), rtol=1e-5, atol=1e-5)


def test_what_peft_wrote_is_written_again_with_its_patterns(tmp_path):
    peft_model(READ["ranks and alphas by layer"]).save_pretrained(tmp_path / "theirs")
    ours = load_adapter(base_model(), "base", tmp_path / "theirs")
    ours.save(tmp_path / "ours")
    again = load_adapter(base_model(), "base", tmp_path / "ours")
    torch.testing.assert_close(logits(again.model), logits(ours.model), rtol=0, atol=0)


@pytest.mark.parametrize("name", REFUSED)
def test_what_luthier_does_not_compute_is_refused(name, tmp_path):
    peft_model(REFUSED[name]).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"does not compute|other tokens in the head"):
        load_adapter(base_model(), "base", tmp_path)


def test_an_adapter_of_another_base_is_refused(tmp_path):
    adapted("lora", base_model()).save(tmp_path)
    tensors = load_file(tmp_path / "adapter_model.safetensors")
    save_file(
        {key.replace("layers.1.", "layers.7."): t for key, t in tensors.items()}, tmp_path / "adapter_model.safetensors"
    )
    with pytest.raises(ModelError, match=r"layers\.7\..* no layer of this base"):
        load_adapter(base_model(), "base", tmp_path)


def test_a_refused_adapter_leaves_the_base_as_it_was(tmp_path):
    adapted("lora", base_model()).save(tmp_path)
    tensors = load_file(tmp_path / "adapter_model.safetensors")
    stranger = {**tensors, "base_model.model.score.weight": torch.zeros(2)}
    save_file(stranger, tmp_path / "adapter_model.safetensors")
    model = base_model()
    expected = logits(model)
    with pytest.raises(ModelError, match="do not agree on 1 tensors"):
        load_adapter(model, "base", tmp_path)
    torch.testing.assert_close(logits(model), expected, rtol=0, atol=0)
    shaken(put_on(Lora(rank=2), model, "base", seed=0))


def test_the_configuration_says_what_peft_must_know(tmp_path):
    adapted("rslora", base_model()).save(tmp_path)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["use_rslora"], config["use_dora"]) == (4, 8.0, True, False)
