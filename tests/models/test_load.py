"""Loading gives a frozen model in the asked format, or says that the weights are damaged or incomplete."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from luthier.errors import ModelError
from luthier.models import choose_device, load_model, open_model_folder
from tiny import write_tiny_model

MISSING = "model.layers.1.mlp.up_proj.weight"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return shutil.copytree(whole, tmp_path / "model")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_loaded_model_is_frozen_and_has_the_asked_format(whole, dtype):
    model = load_model(open_model_folder(str(whole)), dtype)
    assert not model.training
    assert {(p.dtype, p.requires_grad) for p in model.parameters()} == {(dtype, False)}


def test_weights_arrive_as_they_were_saved(whole):
    model = load_model(open_model_folder(str(whole)), torch.float32)
    saved = load_file(whole / "model.safetensors")
    loaded = dict(model.named_parameters())
    assert saved.keys() == loaded.keys()
    assert all(torch.equal(loaded[name], saved[name]) for name in saved)


@pytest.mark.parametrize("kept_bytes", [4, 40, 20_000])
def test_weights_that_are_cut_short_are_a_model_error(folder, kept_bytes):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept_bytes])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(open_model_folder(str(folder)), torch.float32)


def test_a_missing_tensor_is_named_and_never_made_up(folder):
    tensors = load_file(folder / "model.safetensors")
    del tensors[MISSING]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=f"lacks 1 of the model's tensors, the first is {MISSING}"):
        load_model(open_model_folder(str(folder)), torch.float32)


def test_weights_of_another_size_are_a_model_error(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 56}))
    with pytest.raises(ModelError):
        load_model(open_model_folder(str(folder)), torch.float32)


def test_an_unknown_architecture_is_a_model_error(folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "homemade"}))
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(open_model_folder(str(folder)), torch.float32)


def test_the_chosen_device_can_be_used():
    assert torch.ones(2, device=choose_device()).sum().item() == 2
