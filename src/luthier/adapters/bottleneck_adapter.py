"""Bottleneck adapters on a model: small networks after the sublayers of chosen layers."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from luthier.adapters.bottleneck import BottleneckShape, add_bottlenecks
from luthier.adapters.bottleneck_files import load_bottlenecks, save_bottlenecks
from luthier.adapters.linears import join_table, remove_slot
from luthier.adapters.token_rows import refuse_company
from luthier.errors import ModelError


class BottleneckAdapter:
    """Small float32 networks over a frozen base that may be bfloat16."""

    owns_base = False
    folder_name = "adapter"

    def __init__(
        self, model: nn.Module, base_name: str, shape: BottleneckShape, names: Sequence[str], slot: str, seed: int
    ):
        refuse_company(model, trains_tokens=False)
        self.model = model
        self.base_name = base_name
        self.slot = slot
        self.shape = shape
        self.table = join_table(model, slot)
        self.layers = add_bottlenecks(model, names, shape, self.table, slot, seed)

    @property
    def networks(self) -> dict[str, nn.Module]:
        return {name: layer.pairs[self.slot] for name, layer in self.layers.items()}

    def parameters(self) -> dict[str, nn.Parameter]:
        return {f"{name}.{part}": p for name, net in self.networks.items() for part, p in net.named_parameters()}

    def compute_in(self, dtype: torch.dtype) -> None:
        """Nothing to do: the frozen base was loaded in its format, and the products take that of their input."""

    def refresh(self) -> None:
        """Nothing to do: products round the parameters themselves each time."""

    def serve(self) -> None:
        """Answers only, from now on: parameters must not change any more."""
        for network in self.networks.values():
            network.requires_grad_(False)

    def rate_factors(self) -> dict[str, float]:
        return {}

    def save(self, folder: Path) -> None:
        save_bottlenecks(folder, self.networks, self.shape, self.base_name)

    def load(self, folder: Path) -> None:
        load_bottlenecks(folder, self.networks)

    def merge(self) -> nn.Module:
        raise ModelError(
            "a bottleneck adapter cannot be merged: between its two halves stands a bend, which no matrix can hold",
            expected="a method whose update is a matrix, such as lora",
            fix="serve the base with the adapter on it, or train with --set method.kind=lora",
        )

    def remove(self) -> None:
        remove_slot(self.model, self.layers.values(), self.slot)
        self.table.leave(self.slot)
