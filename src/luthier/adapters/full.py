"""Full tuning: the model's own weights learn, all of them or chosen layers."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from luthier.adapters.full_files import save_full
from luthier.adapters.linears import LayerChoice, Wrapper, chosen_layers, layer_of
from luthier.adapters.masters import Masters
from luthier.adapters.slots import SlotTable
from luthier.errors import ModelError


class FullAdapter:
    """Parameters of the model itself. Where products are to be rounded, the model holds rounded copies of them.

    What stands outside the decoder layers (the last norm) always learns; ``has_embeddings`` decides about the token
    embeddings and the head. Frozen parameters below the lowest trained one cost no backward pass.
    """

    owns_base = True
    folder_name = "model"

    def __init__(self, model: nn.Module, slot: str, layers: LayerChoice = "all", has_embeddings: bool = True):
        if any(isinstance(module, Wrapper) for module in model.modules()):
            raise ModelError(
                "full tuning would change the base under the adapters that it carries",
                expected="a base without adapters",
                fix="remove or merge them first, or load the base again",
            )
        self.model = model
        self.slot = slot
        self.table = SlotTable(slot, slots=[slot])
        kept = chosen_layers(layers, [name for name, _ in model.named_parameters()])
        embeddings = _embedding_ids(model)
        for name, parameter in model.named_parameters():
            is_embedding = id(parameter) in embeddings
            layer = layer_of(name)
            parameter.requires_grad_(has_embeddings if is_embedding else layer is None or layer in kept)
        self.masters = Masters(model)

    def parameters(self) -> dict[str, nn.Parameter]:
        return self.masters.parameters

    def compute_in(self, dtype: torch.dtype) -> None:
        self.masters.compute_in(dtype)

    def refresh(self) -> None:
        self.masters.refresh()

    def rate_factors(self) -> dict[str, float]:
        return {}

    def save(self, folder: Path) -> None:
        with self.masters.in_place():
            save_full(folder, self.model)

    def merge(self) -> nn.Module:
        self.masters.compute_in(torch.float32)
        return self.model

    def remove(self) -> None:
        raise ModelError(
            "full tuning changed the base itself, so there is no adapter to take off",
            expected="a method that leaves the base as it is",
            fix="load the base again",
        )


def _embedding_ids(model: nn.Module) -> set[int]:
    language_model: Any = model
    matrices = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    return {id(p) for module in [*matrices, language_model.get_output_embeddings()] for p in module.parameters()}
