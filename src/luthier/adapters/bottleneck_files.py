"""Bottleneck adapters on disk: safetensors and a configuration of our own, since PEFT has no such method."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from luthier.adapters.bottleneck import BottleneckShape
from luthier.errors import ModelError

CONFIG_FILE = "bottleneck_config.json"
WEIGHTS_FILE = "bottleneck.safetensors"
KIND = "luthier bottleneck adapter"


def save_bottlenecks(folder: Path, parts: Mapping[str, nn.Module], shape: BottleneckShape, base_name: str) -> None:
    """Write bottleneck_config.json and bottleneck.safetensors (float32). ``parts``: by the projection's name."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(_tensors(parts), folder / WEIGHTS_FILE, metadata={"format": "pt"})
    config = {"kind": KIND, "base": base_name, "shape": asdict(shape), "projections": list(parts)}
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def read_bottleneck_shape(folder: Path) -> tuple[BottleneckShape, list[str]]:
    """The shape and the projections' names."""
    config: dict[str, Any] = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    if config.get("kind") != KIND:
        raise ModelError(
            f"{folder / CONFIG_FILE} is of kind {config.get('kind')!r}",
            expected=f"{KIND!r}",
            fix="point at an adapter folder that luthier wrote",
        )
    return BottleneckShape(**config["shape"]), list(config["projections"])


@torch.no_grad()
def load_bottlenecks(folder: Path, parts: Mapping[str, nn.Module]) -> None:
    """Fill ``parts`` with what was saved; every tensor must find its place."""
    saved, places = load_file(folder / WEIGHTS_FILE), _tensors(parts)
    if set(saved) != set(places):
        raise ModelError(
            f"{folder} and this base differ in {len(set(saved) ^ set(places))} tensors",
            expected="an adapter of this very base",
            fix="load the adapter on the base named in its bottleneck_config.json",
        )
    for name, part in parts.items():
        for key, parameter in part.named_parameters():
            parameter.copy_(saved[f"{name}.{key}"])


def _tensors(parts: Mapping[str, nn.Module]) -> dict[str, torch.Tensor]:
    return {
        f"{name}.{key}": parameter.detach().cpu().contiguous()
        for name, part in parts.items()
        for key, parameter in part.named_parameters()
    }
