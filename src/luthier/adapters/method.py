"""A method put onto a model: which parameters train, and how the result is saved.

Both kinds offer the same five things, so nothing outside this room asks which one it holds.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, assert_never

from torch import nn

from luthier.adapters.full_files import save_full
from luthier.adapters.lora import LoraShape, wrap_with_lora
from luthier.adapters.peft_files import load_lora, read_lora_shape, save_lora
from luthier.recipe import Full, Lora


class Adapter(Protocol):
    """A model made ready to learn. ``is_autocast``: its float32 weights are rounded per product, not stored rounded."""

    model: nn.Module
    is_autocast: bool
    folder_name: str

    def parameters(self) -> dict[str, nn.Parameter]:
        """The trained parameters by stable names."""
        ...

    def save(self, folder: Path) -> None:
        """Write what was learnt in the layout the world reads."""
        ...


class LoraAdapter:
    """Thin float32 matrices over a frozen base that may be bfloat16."""

    is_autocast = False
    folder_name = "adapter"

    def __init__(self, model: nn.Module, base_name: str, shape: LoraShape, targets: str | Sequence[str], seed: int):
        self.model = model
        self.base_name = base_name
        self.layers = wrap_with_lora(model, shape, targets, seed)

    def parameters(self) -> dict[str, nn.Parameter]:
        return {
            f"{name}.{part}": getattr(layer, part)
            for name, layer in self.layers.items()
            for part in ("lora_A", "lora_B")
        }

    def save(self, folder: Path) -> None:
        save_lora(folder, self.layers, self.base_name)


class FullAdapter:
    """Every parameter of the model, in float32 with products rounded on the fly."""

    is_autocast = True
    folder_name = "model"

    def __init__(self, model: nn.Module):
        self.model = model
        model.requires_grad_(True)

    def parameters(self) -> dict[str, nn.Parameter]:
        return dict(self.model.named_parameters())

    def save(self, folder: Path) -> None:
        save_full(folder, self.model)


def put_on(method: Lora | Full, model: nn.Module, base_name: str, seed: int) -> Adapter:
    """Make a loaded, frozen model ready to be tuned by ``method``."""
    match method:
        case Lora():
            shape = LoraShape(method.rank, 2.0 * method.rank if method.alpha is None else method.alpha)
            return LoraAdapter(model, base_name, shape, method.targets, seed)
        case Full():
            return FullAdapter(model)
        case _:
            assert_never(method)


def load_adapter(model: nn.Module, base_name: str, folder: Path) -> LoraAdapter:
    """Put a saved LoRA adapter (PEFT layout) onto its base."""
    shape, names = read_lora_shape(folder)
    adapter = LoraAdapter(model, base_name, shape, names, seed=0)
    load_lora(folder, adapter.layers)
    return adapter
