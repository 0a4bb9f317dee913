"""LoRA adapters on disk in PEFT's layout, so that PEFT, vLLM and others load what we write, and we what they wrote."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from luthier.adapters.lora import LoraLinear, LoraShape
from luthier.errors import ModelError

PREFIX = "base_model.model."
CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"


def save_lora(folder: Path, layers: dict[str, LoraLinear], base_name: str) -> None:
    """Write adapter_config.json and adapter_model.safetensors (float32)."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = next(iter(layers.values())).shape
    tensors = {}
    for name, layer in layers.items():
        tensors[f"{PREFIX}{name}.lora_A.weight"] = layer.lora_A.detach().cpu().contiguous()
        tensors[f"{PREFIX}{name}.lora_B.weight"] = layer.lora_B.detach().cpu().contiguous()
    save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        "inference_mode": True,
        "r": shape.rank,
        "lora_alpha": shape.alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "target_modules": sorted(layers),
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def read_lora_shape(folder: Path) -> tuple[LoraShape, list[str]]:
    """Rank, alpha and the full names of the wrapped layers, taken from the files alone."""
    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    if config.get("peft_type") != "LORA" or config.get("use_dora") or config.get("use_rslora"):
        raise ModelError(
            f"{folder} is not a plain LoRA adapter",
            expected="peft_type LORA without DoRA or rsLoRA",
            fix="merge it into its base with PEFT and use the merged model as base",
        )
    names = sorted({key.removeprefix(PREFIX).rpartition(".lora_")[0] for key in load_file(folder / WEIGHTS_FILE)})
    return LoraShape(int(config["r"]), float(config["lora_alpha"])), names


def load_lora(folder: Path, layers: dict[str, LoraLinear]) -> None:
    """Fill ``layers`` with the saved matrices; every tensor must find its place."""
    saved = load_file(folder / WEIGHTS_FILE)
    with torch.no_grad():
        for name, layer in layers.items():
            layer.lora_A.copy_(saved.pop(f"{PREFIX}{name}.lora_A.weight"))
            layer.lora_B.copy_(saved.pop(f"{PREFIX}{name}.lora_B.weight"))
    if saved:
        raise ModelError(
            f"{folder} holds {len(saved)} tensors that no layer of this base takes, the first is {next(iter(saved))}",
            expected="an adapter of this very base",
            fix="load the adapter on the base named in its adapter_config.json",
        )
